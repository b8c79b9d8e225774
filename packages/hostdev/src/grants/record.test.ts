// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { labMachine } from "../../test/fake-host/machines.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { grantDevice } from "./grant-device.ts";
import { recordsDirectory } from "./paths.ts";
import { parseRecord } from "./record.ts";
import { invert } from "./step.ts";

const path = `${recordsDirectory}/0000:01:00.0.jsonl`;

async function recordText(): Promise<string> {
  const host = labMachine().open();
  await grantDevice(host, { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] });
  return host.readText(path) ?? "";
}

test("parseRecord() reads what a grant wrote", async () => {
  const record = parseRecord(await recordText(), path);
  assert.equal(record.grant.id, "0000:01:00.0");
  assert.equal(record.grant.user.name, "alex");
  assert.equal(record.isComplete, true);
  assert.equal(record.begun, record.steps.length);
});

test("parseRecord() takes a last line cut short for never written", async () => {
  const text = await recordText();
  const record = parseRecord(text.slice(0, -3), path);
  assert.equal(record.isComplete, false);
});

test("parseRecord() refuses another version, steps out of order, and strange paths, with the line", async () => {
  const text = await recordText();
  const at = (changed: string, line: number) =>
    assert.throws(
      () => parseRecord(changed, path),
      (error) => isHostdevError(error, "HD_JOURNAL_INVALID") && error.details.line === line,
    );
  at(text.replace('"version":1', '"version":2'), 1);
  at(text.replace('{"begin":0}', '{"begin":1}'), 3);
  at(text.replace("/dev/vfio/11", "/dev/vfio/../sda"), 2);
  at(text.replace('"address":"0000:01:00.0","isForced"', '"address":"../0000:01:00.0","isForced"'), 2);
  at(text.replace("limits.d/hostdev-1000.conf", "limits.d/../../shadow"), 2);
  at("", 1);
});

test("parseRecord() never throws anything but HD_JOURNAL_INVALID, whatever is cut out or put in", async () => {
  const text = await recordText();
  const damage = fc.tuple(fc.nat(text.length), fc.nat(40), fc.string());
  fc.assert(
    fc.property(damage, ([at, length, inserted]) => {
      try {
        parseRecord(text.slice(0, at) + inserted + text.slice(at + length), path);
        return true;
      } catch (error) {
        return isHostdevError(error, "HD_JOURNAL_INVALID");
      }
    }),
  );
});

test("invert() twice gives the step back", async () => {
  for (const step of parseRecord(await recordText(), path).steps) assert.deepEqual(invert(invert(step)), step);
});
