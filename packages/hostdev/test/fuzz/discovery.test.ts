// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SaxesParser } from "saxes";
import { runHostdev } from "../run-hostdev.ts";
import { type MadeFunction, type MadeTree, madeTree } from "./sysfs-trees.ts";
import { type TreeHost, treeHost } from "./tree-host.ts";

const runs = Number(process.env["HOSTDEV_FUZZ_RUNS"] ?? 150);

function hostOf({ entries, functions }: MadeTree, doVanish: boolean): TreeHost {
  const host = treeHost(entries);
  if (!doVanish) return host;
  for (const { path, vanishesAfter } of functions) if (vanishesAfter !== null) host.vanishAfter(path, vanishesAfter);
  return host;
}

/** Runs a command: whatever it says, it says it without an internal error, and steers no terminal. */
async function run(host: TreeHost, words: readonly string[], width?: number): Promise<string> {
  const { stdout, stderr, status } = await runHostdev(host, words, width === undefined ? {} : { width });
  assert.ok(
    !stderr.includes("HD_INTERNAL") && !stdout.includes("HD_INTERNAL"),
    `${words.join(" ")}: ${stderr}${stdout}`,
  );
  assert.ok([0, 1, 3].includes(status), `${words.join(" ")}: status ${status}, ${stderr}`);
  // Of all control characters only line ends; and nothing that turns the direction of writing round, but in XML, which
  // has names as libvirt has them.
  const steering = words[0] === "nodedev-dumpxml" ? /\p{Cc}/u : /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;
  for (const text of [stdout, stderr]) assert.doesNotMatch(text.replaceAll("\n", ""), steering);
  return stdout;
}

function assertXml(text: string): void {
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.write(text).close();
}

const commands: readonly (readonly string[])[] = [
  ["devices"],
  ["devices", "--long"],
  ["groups"],
  ["topology"],
  ["topology", "--svg", "-"],
  ["topology", "--html", "-"],
  ["topology", "--json"],
  ["groups", "--json"],
  ["nodedev-list"],
  ["nodedev-list", "--tree"],
];

interface Row {
  readonly address: string;
  readonly driver: string | null;
  readonly group: number | null;
  readonly classCode: string;
}

function assertRow(row: Row, functions: readonly MadeFunction[]): void {
  const made = functions.find(({ address }) => address === row.address);
  assert.ok(made?.isReadable === true, `${row.address} cannot be known`);
  assert.equal(row.classCode, `0x${made.classCode.toString(16).padStart(6, "0")}`);
  // What is gone meanwhile may be missing; what is there is right.
  const isOrGone = (seen: unknown, is: unknown) => seen === is || (made.vanishesAfter !== null && seen === null);
  assert.ok(isOrGone(row.driver, made.driver), `${row.address}: driver ${row.driver}`);
  assert.ok(isOrGone(row.group, made.group), `${row.address}: group ${row.group}`);
}

test("lists never fail, never have a wrong row, and name what they cannot read", async () => {
  await fc.assert(
    fc.asyncProperty(madeTree, async (tree) => {
      const { devices, unreadable } = JSON.parse(await run(hostOf(tree, false), ["devices", "--json"]));
      const standing = tree.functions.map((made) => ({ ...made, vanishesAfter: null }));
      for (const row of devices) assertRow(row, standing);
      const addresses = devices.map((row: Row) => row.address);
      assert.deepEqual([...addresses, ...unreadable].sort(), tree.functions.map(({ address }) => address).sort());
      for (const width of [80, 120]) {
        const lines = (await run(hostOf(tree, false), ["devices"], width)).trimEnd().split("\n");
        assert.equal(lines.length, addresses.length === 0 ? 1 : addresses.length + 1, "a function a line");
      }
    }),
    { numRuns: runs },
  );
});

test("devices that vanish in the middle of a listing leave it right for all others", async () => {
  await fc.assert(
    fc.asyncProperty(madeTree, async (tree) => {
      const { devices } = JSON.parse(await run(hostOf(tree, true), ["devices", "--json"]));
      for (const row of devices) assertRow(row, tree.functions);
      const seen = new Set(devices.map((row: Row) => row.address));
      const lost = tree.functions.filter(
        (made) => made.isReadable && made.vanishesAfter === null && !seen.has(made.address),
      );
      assert.deepEqual(lost, []);
    }),
    { numRuns: runs },
  );
});

test("no command fails on any tree, whatever vanishes, and none steers the terminal", async () => {
  await fc.assert(
    fc.asyncProperty(madeTree, fc.boolean(), async (tree, doVanish) => {
      for (const words of commands) {
        const text = await run(hostOf(tree, doVanish), words);
        if (words.includes("--svg")) assertXml(text);
        if (words.includes("--json")) JSON.parse(text);
      }
      for (const { address } of tree.functions) {
        for (const words of [
          ["show", address],
          ["show", address, "--json"],
          ["nodedev-dumpxml", address],
        ]) {
          const text = await run(hostOf(tree, doVanish), words);
          if (words[0] === "nodedev-dumpxml" && text !== "") assertXml(text);
        }
      }
    }),
    { numRuns: Math.ceil(runs / 3) },
  );
});
