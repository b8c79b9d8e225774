// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { grantDevice, previewGrant } from "../../src/grants/grant-device.ts";
import { recover } from "../../src/grants/recover.ts";
import { releaseDevice } from "../../src/grants/release-device.ts";
import { previewRevoke, revokeDevice } from "../../src/grants/revoke-device.ts";
import { type FakeMachine, labMachine } from "../fake-host/index.ts";
import { packageRoot, repositoryRoot } from "../style/source-tree.ts";

const page = readFileSync(join(repositoryRoot, "docs/operations.md"), "utf8");
const edu = { device: "04:02.0", user: "alex", memoryBytes: 256 << 20, hold: ["0000:04:01.0", "0000:04:03.0"] };
const lease = { expiresAt: "2030-01-01T00:00:00.000Z" };
const request = { ...edu, force: [], acceptNoReset: true, lease };

/** The page from a heading to the next one of the same or a higher level. */
function chapter(heading: string): string {
  const [, text] = page.split(`\n${heading}\n`);
  assert.ok(text !== undefined, `docs/operations.md has no chapter "${heading}"`);
  return text.split(/^## /m)[0] ?? "";
}

/** What the table of places allows, as patterns: `/dev/vfio/N` is any group's node. */
const places = [...chapter("## What it touches").matchAll(/^\| (.+?) \|.*?\|(.*)\|$/gm)]
  .flatMap(([, place = "", undo = ""]) => [...place.matchAll(/`([^`]+)`/g), ...undo.matchAll(/`(\w+ [^`]+)`/g)])
  .map(([, text = ""]) => text)
  .map((text) => ({
    text,
    pattern: new RegExp(
      `^${text
        .replaceAll(".", "\\.")
        .replace("TEXT", ".+")
        .replace(/[A-Z]+\b/g, "[^/ ]+")}$`,
    ),
  }));

/** Makes sure that all that was done to a machine since is in the table. @returns the rows that were needed. */
function assertTold(machine: FakeMachine): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { operation, path, value } of machine.log) {
    const act = operation === "run" ? `${path} ${value}` : path;
    const place = places.find(({ pattern }) => pattern.test(act));
    assert.ok(place !== undefined, `docs/operations.md does not tell of: ${operation} ${act}`);
    used.add(place.text);
  }
  return used;
}

/** The kinds of steps of a numbered list, in the order in which the page tells of them. */
function kindsTold(heading: string): readonly string[] {
  return [...chapter(heading).matchAll(/\*\*(\w+)\*\*/g)].map(([, kind = ""]) => kind);
}

const kindsOf = (steps: readonly { readonly kind: string }[]) => [...new Set(steps.map(({ kind }) => kind))];

test("operations.md tells of every kind of step, and of no other", () => {
  const source = readFileSync(join(packageRoot, "src/grants/step.ts"), "utf8");
  const kinds = [...source.matchAll(/readonly kind: "(\w+)"/g)].map(([, kind = ""]) => kind);
  assert.ok(kinds.length >= 5);
  const told = [...chapter("## The steps").matchAll(/^### (\w+)$/gm)].map(([, kind = ""]) => kind);
  assert.deepEqual(told.sort(), kinds.sort());
});

test("operations.md tells of every place that a grant, a revoke and a recovery touch, and of no other", async () => {
  const machine = labMachine().build();
  await grantDevice(machine.open(), request);
  await revokeDevice(machine.open(), "04:02.0");
  const used = new Set(assertTold(machine));
  for (let n = 3; n < 40; n += 3) {
    const killed = labMachine().build();
    await grantDevice(killed.open().crashAt(n), request).catch(() => {});
    await recover(killed.open());
    for (const place of assertTold(killed)) used.add(place);
  }
  // A driver that was bound by hand against the kernel's choice comes back by its own bind file.
  const odd = labMachine().build();
  const drivers = "/sys/bus/pci/drivers";
  odd.modules.load("pci-stub");
  odd.write(`${drivers}/pci-stub/new_id`, "8086 10d3");
  odd.write(`${drivers}/e1000e/unbind`, "0000:01:00.0");
  odd.write(`${drivers}/pci-stub/bind`, "0000:01:00.0");
  await grantDevice(odd.open(), { ...request, device: "01:00.0", hold: [] });
  await revokeDevice(odd.open(), "01:00.0");
  for (const place of assertTold(odd)) used.add(place);
  // A device that has bus mastering on after its reset.
  const masterly = labMachine().build();
  await grantDevice(masterly.open(), { ...request, device: "01:00.0", hold: [] });
  masterly.on("after", { operation: "writeKernel", path: /\/reset$/ }, () => {
    masterly.function("0000:01:00.0").config[4] = 0x07;
  });
  await revokeDevice(masterly.open(), "01:00.0");
  for (const place of assertTold(masterly)) used.add(place);
  const withoutJournal = labMachine().build();
  withoutJournal.fs.remove("/run/systemd/journal/socket");
  withoutJournal.fs.directory("/var/log");
  await grantDevice(withoutJournal.open(), request);
  for (const place of assertTold(withoutJournal)) used.add(place);
  // A VM that has to be ended, and a device that does not come back clean.
  const bad = labMachine().build();
  const nic = { ...request, device: "01:00.0", hold: [] };
  await grantDevice(bad.open(), nic);
  bad.holdGroup(bad.process({ user: "alex", comm: "qemu-system-x86" }), 11);
  bad.function("0000:01:00.0").config[4] = 0x07;
  bad.failOn({ operation: "writeKernel", path: /\/reset$/, errno: "ENOTTY" });
  await revokeDevice(bad.open(), "01:00.0", { kill: true });
  await releaseDevice(bad.open(), "01:00.0", true);
  for (const place of assertTold(bad)) used.add(place);
  // A virtual function that has to be made.
  const virtual = labMachine().build();
  const vf = { index: "any", create: 2, mac: "52:54:00:12:34:56", vlan: 7 } as const;
  await grantDevice(virtual.open(), { ...nic, device: "05:00.0", vf });
  await revokeDevice(virtual.open(), "05:10.0");
  for (const place of assertTold(virtual)) used.add(place);
  assert.deepEqual(
    places.map(({ text }) => text).filter((text) => !used.has(text)),
    [],
  );
});

test("operations.md tells the steps in the order in which they are done", async () => {
  const machine = labMachine().build();
  assert.deepEqual(kindsTold("## Grant"), kindsOf((await previewGrant(machine.open(), request)).steps));
  await grantDevice(machine.open(), request);
  assert.deepEqual(
    kindsTold("## Revoke").slice(0, -2),
    kindsOf((await previewRevoke(machine.open(), "04:02.0")).steps),
  );
});

test("operations.md names every program that root starts", () => {
  const source = readFileSync(join(packageRoot, "test/style/hostdev-admin-imports.txt"), "utf8");
  const files = source.split("\n").filter((path) => path.endsWith(".ts"));
  const programs = files.flatMap((path) => {
    const text = readFileSync(join(packageRoot, "src", path), "utf8");
    return [...text.matchAll(/(?:\.run|\bspawn)\(\s*"([^"]+)"/g)].map(([, program = ""]) =>
      program.replace(/.*\//, ""),
    );
  });
  const told = [...chapter("## What it touches").matchAll(/`(\w+)`/g)].map(([, name = ""]) => name);
  assert.deepEqual(
    [...new Set(programs)].filter((program) => !told.includes(program)),
    [],
  );
});
