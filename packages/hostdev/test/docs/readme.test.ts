// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as library from "../../src/index.ts";
import { diffSnapshots, type FakeHost, labMachine } from "../fake-host/index.ts";
import { packageRoot } from "../style/source-tree.ts";

const examples = [...readFileSync(join(packageRoot, "README.md"), "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(
  ([, code = ""]) => code,
);

/** Runs an example, with the model's host for the real one. @returns what it logs, by line. */
async function run(code: string, host: FakeHost): Promise<readonly string[]> {
  const lines: string[] = [];
  const log = (...words: unknown[]) => void lines.push(words.map(String).join(" "));
  const body = code.replace(/^import (\{.*?\}) from "hostdev";/ms, "const $1 = library;");
  const AsyncFunction = (async () => {}).constructor as new (
    ...parts: string[]
  ) => (...args: unknown[]) => Promise<void>;
  await new AsyncFunction("library", "console", body)({ ...library, realHost: () => host }, { log, error: log });
  return lines;
}

test("README: the discovery example runs, for an ordinary user, and changes nothing", async () => {
  const machine = labMachine().build();
  const before = machine.snapshot();
  const lines = await run(examples[0] ?? "", machine.open("alex"));
  assert.ok(lines.includes("0000:01:00.0 e1000e not used by the host"), lines.join("\n"));
  assert.ok(
    lines.some((line) => /^ {2}together with .*PCIe-to-PCI bridge 0000:03:00.0/.test(line)),
    lines.join("\n"),
  );
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

test("README: the example of lending runs, and leaves no trace", async () => {
  const machine = labMachine().build();
  const before = machine.snapshot();
  const lines = await run(examples[1] ?? "", machine.open());
  assert.ok(
    lines.some((line) => line.startsWith("bind 0000:01:00.0: e1000e -> vfio-pci")),
    lines.join("\n"),
  );
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
});

test("README: the example of lending tells an ordinary user whom to ask", async () => {
  const [line = ""] = await run(examples[1] ?? "", labMachine().build().open("alex"));
  assert.match(line, /^HD_NEEDS_ROOT .* Ask an administrator to run: sudo hostdev-admin grant /);
});
