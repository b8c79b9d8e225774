// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bigMachine, type FakeHost } from "../../../test/fake-host/index.ts";
import { readView, scatteredMachine, serverMachine, smallMachine } from "../../../test/golden/topology/machines.ts";
import type { Box } from "./card-texts.ts";
import { type Layout, layOut } from "./layout.ts";
import { fitText, textWidth } from "./text-width.ts";

const machines: Readonly<Record<string, () => FakeHost>> = {
  small: smallMachine,
  scattered: scatteredMachine,
  server: serverMachine,
  "200 in groups of 8": () => bigMachine(200).open(),
};

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const contains = (outer: Box, inner: Box) =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width &&
  inner.y + inner.height <= outer.y + outer.height;
const pairs = <T>(all: readonly T[]) => all.flatMap((a, index) => all.slice(index + 1).map((b) => [a, b] as const));
const textsOf = ({ cards, outlines }: Layout) => [
  ...cards.flatMap((card) => card.texts),
  ...outlines.map((outline) => outline.label),
];

for (const [name, machine] of Object.entries(machines)) {
  test(`layOut() lets no texts and no cards overlap: ${name}`, async () => {
    const layout = layOut(await readView(machine()));
    assert.deepEqual(
      pairs(textsOf(layout)).filter(([a, b]) => overlap(a, b)),
      [],
    );
    assert.deepEqual(
      pairs(layout.cards).filter(([a, b]) => overlap(a, b)),
      [],
    );
    const labels = layout.outlines.map((outline) => outline.label);
    assert.deepEqual(
      layout.cards.filter((card) => labels.some((label) => overlap(card, label))),
      [],
    );
  });

  test(`layOut() keeps texts in their cards, and all in the picture: ${name}`, async () => {
    const layout = layOut(await readView(machine()));
    const picture = { x: 0, y: 0, width: layout.width, height: layout.height };
    for (const card of layout.cards) {
      assert.ok(contains(picture, card), card.title);
      for (const text of card.texts) assert.ok(contains(card, text), text.text);
    }
    for (const outline of layout.outlines) {
      assert.ok(contains(picture, outline) && contains(outline, outline.label), outline.label.text);
      const crossed = layout.cards.filter((card) => overlap(card, outline) && !contains(outline, card));
      assert.deepEqual(crossed, [], outline.label.text);
    }
  });
}

test("layOut() keeps outlines of different groups apart", async () => {
  for (const machine of Object.values(machines)) {
    const { outlines } = layOut(await readView(machine()));
    assert.deepEqual(
      pairs(outlines).filter(([a, b]) => overlap(a, b)),
      [],
    );
  }
});

test("layOut() shows all functions, a small machine in one column and a large one in four", async () => {
  const small = await readView(smallMachine());
  const large = await readView(serverMachine());
  assert.equal(layOut(small).cards.length, small.cards.length + small.roots.length);
  assert.ok(layOut(small).width < 1200);
  assert.ok(layOut(large).width > 1400 && layOut(large).width < 1800);
});

test("fitText() cuts with an ellipsis to what surely fits", () => {
  assert.equal(fitText("ready", 11, 200), "ready");
  const fitted = fitText("82574L Gigabit Network Connection", 11, 100);
  assert.match(fitted, /^82574L.*…$/);
  assert.ok(textWidth(fitted, 11) <= 100);
});
