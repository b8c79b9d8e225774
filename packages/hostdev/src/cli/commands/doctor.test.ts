// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeHost, labMachine, noIommuMachine } from "../../../test/fake-host/index.ts";
import { grantDevice } from "../../grants/grant-device.ts";
import { runProgram } from "../run-program.ts";
import { userProgram } from "../user-program.ts";

async function doctor(host: FakeHost, args: readonly string[] = []) {
  let stdout = "";
  const print = (text: string) => {
    stdout += text;
  };
  const output = { print, warn: print, width: undefined, hasColour: false };
  return { status: await runProgram(userProgram, ["doctor", ...args], host, output), stdout };
}

function ableMachine() {
  const machine = labMachine().build();
  const stdout = 'QEMU emulator version 10.0.3\nname "vfio-pci"\nkvm\n';
  machine.command("qemu-system-x86_64", () => ({ stdout }), { mutates: false });
  for (const name of ["dd", "flock"]) machine.command(name, () => ({}), { mutates: false });
  return machine;
}

test("doctor ends with 0 on a machine that can lend", async () => {
  const { status, stdout } = await doctor(ableMachine().open("alex"));
  assert.match(stdout, /^IOMMU\nok {4}The IOMMU is on/);
  assert.match(stdout, /\n\nThis machine can lend devices\.\n$/);
  assert.equal(status, 0);
});

test("doctor ends with 1 where something stands in the way, and says what to do", async () => {
  const { status, stdout } = await doctor(noIommuMachine().file("/sys/firmware/acpi/tables/DMAR", "").open());
  assert.equal(status, 1);
  assert.match(stdout, /FAIL {2}The IOMMU is off: .*\n {6}fix: Add the kernel argument intel_iommu=on/);
  assert.match(stdout, /This machine cannot lend devices yet: \d problems\.\n$/);
});

test("doctor --json has the same, by section", async () => {
  const { status, stdout } = await doctor(noIommuMachine().open(), ["--json"]);
  const { version, isAble, sections } = JSON.parse(stdout);
  assert.deepEqual([status, version, isAble], [1, 1, false]);
  assert.equal(sections[0].id, "iommu");
  assert.equal(sections[0].findings[0].code, "HD_IOMMU_OFF");
});

test("doctor knows which devices are lent, and tells of a grant that was interrupted", async () => {
  const machine = ableMachine();
  await grantDevice(machine.open(), { device: "0000:01:00.0", user: "alex", hold: [], force: [] });
  assert.match((await doctor(machine.open("bea"))).stdout, /\/dev\/vfio\/11 gives alex what was granted, and no more/);
  await grantDevice(machine.open().crashAt(6), { device: "0000:02:00.0", user: "bea", hold: [], force: [] }).catch(
    () => {},
  );
  const { stdout } = await doctor(machine.open("bea"));
  assert.match(stdout, /\nGrants\nwarn {2}The grant of 0000:02:00.0 was interrupted\n {6}fix: .*hostdev-admin recover/);
});
