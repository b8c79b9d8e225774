// SPDX-License-Identifier: Apache-2.0

/** Root acts on what the record says. A damaged one is a valid record or HD_JOURNAL_INVALID; a path is never a strange one. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../../src/core/errors.ts";
import { grantDevice } from "../../src/grants/grant-device.ts";
import { recordsDirectory } from "../../src/grants/paths.ts";
import { type GrantRecord, parseRecord } from "../../src/grants/record.ts";
import { recover } from "../../src/grants/recover.ts";
import { revokeDevice } from "../../src/grants/revoke-device.ts";
import { labMachine } from "../fake-host/index.ts";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
const settings =
  seconds > 0 ? { interruptAfterTimeLimit: seconds * 1000, numRuns: 1e9 } : { seed: 20261128, numRuns: 3000 };
const path = `${recordsDirectory}/0000:04:02.0.jsonl`;
const request = {
  device: "04:02.0",
  user: "alex",
  memoryBytes: 256 << 20,
  hold: ["0000:04:01.0", "0000:04:03.0"],
  force: [],
  acceptNoReset: true,
};

const texts: string[] = [];
before(async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await grantDevice(host, request);
  texts.push(host.readText(path) ?? "");
  // A revoke in the middle: its plan is in the record, too.
  machine.on("before", { operation: "removeFile", path }, () => void texts.push(host.readText(path) ?? ""));
  await revokeDevice(host, "04:02.0");
  // And one with every kind of step that there is for a virtual function.
  const vf = { index: "any" as const, create: 2, mac: "52:54:00:aa:00:01", vlan: 7 };
  const { id } = await grantDevice(host, { ...request, device: "05:00.0", hold: [], vf });
  texts.push(host.readText(`${recordsDirectory}/${id}.jsonl`) ?? "");
  assert.equal(texts.filter((text) => text !== "").length, 3);
  assert.match(texts[2] ?? "", /"kind":"vf"/);
});

const values = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      "../../etc/shadow",
      "/dev/sda",
      "/dev/vfio/../sda",
      "/dev/vfio/1\n",
      "/etc/security/limits.d/hostdev-0.conf/../x",
    ],
    ...[
      "0000:01:00.0/../../x",
      "0000:01:00.8",
      "vfio-pci\n",
      "../vfio-pci",
      "",
      " ",
      "\0",
      "loaded",
      "absent",
      "grant",
    ],
    ...[-1, 1.5, 2 ** 53, 1e308, 0o7777, 0, null, true, [], {}, { __proto__: { a: 1 } }, [null], "module", "owner"],
  ),
  // What could be there as well, so that many records are accepted.
  fc.constantFrom<unknown>(
    0,
    7,
    1000,
    1 << 30,
    null,
    "0000:01:00.0",
    "/dev/vfio/12",
    "vfio-pci",
    "e1000",
    "hold",
    "text",
  ),
  fc.string({ maxLength: 12 }),
  fc.jsonValue({ maxDepth: 2 }),
);

interface Change {
  readonly line: number;
  readonly at: number;
  readonly kind: "replace" | "copy" | "remove" | "add" | "move";
  readonly value: unknown;
}

const changes = fc.array(
  fc.record({
    line: fc.nat(30),
    at: fc.nat(500),
    kind: fc.constantFrom<Change["kind"]>("replace", "copy", "copy", "remove", "add", "move"),
    value: values,
  }),
  { minLength: 1, maxLength: 2 },
);

/** Every place of a JSON value: the object or array, and the key in it. */
function places(value: unknown, found: [Record<string, unknown>, string][] = []): [Record<string, unknown>, string][] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value as Record<string, unknown>, key]);
    places((value as Record<string, unknown>)[key], found);
  }
  return found;
}

function apply(text: string, { line, at, kind, value }: Change): string {
  const lines = text.split("\n").slice(0, -1);
  const index = line % lines.length;
  if (kind === "move") lines.splice(at % lines.length, 0, ...lines.splice(index, 1));
  else {
    const json = JSON.parse(lines[index] ?? "{}") as Record<string, unknown>;
    const all = places(json);
    const [holder, key] = all[at % Math.max(1, all.length)] ?? [json, "x"];
    if (kind === "replace") holder[key] = value;
    else if (kind === "copy") holder[key] = valueLike(holder[key], all, at);
    else if (kind === "remove") delete holder[key];
    else holder[`more${at}`] = value;
    lines[index] = JSON.stringify(json);
  }
  return `${lines.join("\n")}\n`;
}

/** A value of the same type from elsewhere in the line: a driver for a path, a uid for a size. */
function valueLike(old: unknown, all: readonly [Record<string, unknown>, string][], at: number): unknown {
  const alike = all.map(([holder, key]) => holder[key]).filter((other) => typeof other === typeof old);
  return structuredClone(alike[(at * 7) % alike.length]);
}

const address = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;
const driver = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

/** What the rest of the program relies on, said once more and independently of the reader. */
function assertHarmless({ grant, steps, begun }: GrantRecord): void {
  assert.match(grant.id, address);
  for (const endpoint of grant.endpoints) assert.match(endpoint.address, address);
  const numbers = [grant.user.uid, grant.user.gid, grant.group, grant.memoryBytes, grant.memlockBytes, begun];
  for (const number of numbers) assert.ok(Number.isInteger(number) && number >= 0);
  assert.ok(begun <= steps.length);
  for (const step of steps) {
    if (step.kind === "file")
      assert.match(step.path, /^\/(etc|run)\/(?!.*\.\.)[A-Za-z0-9/@._-]*hostdev[A-Za-z0-9/@._:-]*$/);
    if (step.kind === "owner") {
      assert.match(step.path, /^\/dev\/vfio\/\d+$/);
      for (const { mode } of [step.from, step.to]) assert.equal(mode & ~0o777, 0);
    }
    if (step.kind === "binding") {
      assert.match(step.address, address);
      for (const side of [step.from, step.to])
        for (const name of [side.driver, side.override]) if (name !== null) assert.match(name, driver);
    }
    if (step.kind === "vf") {
      assert.match(step.physicalFunction, address);
      for (const { mac, vlan } of [step.from, step.to]) {
        assert.match(mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
        assert.ok(
          Number.isInteger(vlan) && vlan >= 0 && vlan < 4096 && Number.isInteger(step.index) && step.index >= 0,
        );
      }
    }
    if (step.kind === "clean") assert.match(step.address, address);
    if (step.kind === "module") assert.match(step.module, /^(vfio_iommu_type1|vfio-pci|pci-stub)$/);
  }
}

test("parseRecord() of a damaged record gives a harmless record, or HD_JOURNAL_INVALID", () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat(2), changes, (which, damage) => {
      const damaged = damage.reduce(apply, texts[which] ?? "");
      try {
        assertHarmless(parseRecord(damaged, path));
        accepted += 1;
      } catch (error) {
        if (!isHostdevError(error, "HD_JOURNAL_INVALID")) throw error;
        assert.ok(error.details.line >= 1);
      }
    }),
    settings,
  );
  assert.ok(accepted > 50, `only ${accepted} were accepted: the damage is too coarse to test anything`);
});

test("recover() and revoke never touch anything outside of their own places, whatever a record says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(2), changes, async (which, damage) => {
      const machine = labMachine().build();
      machine.fs.directory(recordsDirectory);
      machine.open().writeFile(path, damage.reduce(apply, texts[which] ?? ""), 0o644);
      machine.log.length = 0;
      for (const act of [() => recover(machine.open()), () => revokeDevice(machine.open(), "04:02.0")]) {
        await act().catch((error: unknown) =>
          assert.ok(isHostdevError(error) && error.code !== "HD_INTERNAL", String(error)),
        );
      }
      for (const { operation, path: touched, value } of machine.log) {
        if (operation === "run") {
          if (touched !== "logger") assert.match(value, /^[A-Za-z0-9_.:=@ -]*$/, touched);
          continue;
        }
        assert.match(
          touched,
          /^\/(var\/lib\/hostdev(\/grants(\/[0-9a-f:.~]+\.jsonl)?|\/(quarantine|vfs)(\/[0-9a-f:.]+\.json)?)?|var\/log\/hostdev\.log|run\/hostdev\.lock|dev\/vfio\/\d+|sys\/bus\/pci\/.*|etc\/.*hostdev.*|etc\/security\/limits\.d|etc\/systemd\/system(\/user@\d+\.service\.d)?|run\/systemd\/.*hostdev.*)$/,
          `${operation} ${value}`,
        );
        assert.doesNotMatch(touched, /\/\.\.(\/|$)/);
      }
    }),
    { ...settings, numRuns: seconds > 0 ? 1e9 : 300 },
  );
});
