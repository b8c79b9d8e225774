// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { readView, scatteredMachine, smallMachine } from "../../../test/golden/topology/machines.ts";
import { buildView, type Cluster } from "./view.ts";

/** Each outline with the functions in it. */
function outlines(clusters: readonly Cluster[]): readonly (readonly [string | null, readonly string[]])[] {
  return clusters.flatMap(({ outline, isWhole, nodes }) => {
    const inside = nodes.flatMap(({ card, clusters: behind }) => [card.address, ...(isWhole ? within(behind) : [])]);
    const own = outline === null ? [] : [[outline, inside] as const];
    return [...own, ...nodes.flatMap((node) => outlines(node.clusters))];
  });
}
const within = (clusters: readonly Cluster[]): readonly string[] =>
  clusters.flatMap(({ nodes }) => nodes.flatMap(({ card, clusters: behind }) => [card.address, ...within(behind)]));

test("buildView() draws one outline round a group with all that is behind its bridge", async () => {
  const { roots } = await readView(smallMachine());
  assert.deepEqual(
    roots.flatMap(({ clusters }) => outlines(clusters)),
    [["group 13", ["0000:03:00.0", "0000:04:01.0", "0000:04:02.0", "0000:04:03.0"]]],
  );
});

test("buildView() draws an outline round each part of a group whose members are apart", async () => {
  const { roots, cards } = await readView(scatteredMachine());
  assert.deepEqual(
    roots.flatMap(({ clusters }) => outlines(clusters)),
    [
      ["group 9, part 1 of 2", ["0000:00:02.0"]],
      ["group 9, part 2 of 2", ["0000:01:00.0", "0000:01:00.1"]],
      ["group 7, part 1 of 3", ["0000:00:03.0"]],
      ["group 7, part 2 of 3", ["0000:00:05.0"]],
      ["group 7, part 3 of 3", ["10000:e0:06.0"]],
    ],
  );
  assert.deepEqual(
    cards.filter((card) => card.isAlone).map((card) => card.group),
    [0, 10, 8],
  );
});

test("buildView() lets no control characters through", async () => {
  const { cards } = await readView(scatteredMachine());
  assert.equal(cards.find(({ address }) => address === "0000:01:01.0")?.hostNames, "\\x1b[31mred");
});

test("buildView() shows a bridge that is named but gone", () => {
  const children = [{ address: "0000:01:00.0", children: [] }];
  const { cards } = buildView([{ name: "pci0000:00", parent: null, children }], []);
  assert.equal(cards[0]?.verdictText, "no longer there");
});
