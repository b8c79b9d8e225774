// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { checkKvm } from "./kvm.ts";
import { checkQemu } from "./qemu.ts";

async function check(version: string, devices: string, accelerators: string) {
  const machine = labMachine().build();
  const answer = (args: readonly string[]) =>
    args[0] === "--version" ? `QEMU emulator version ${version}\n` : args[0] === "-device" ? devices : accelerators;
  machine.command("qemu-system-x86_64", (args) => ({ stdout: answer(args) }), { mutates: false });
  const [finding] = await checkQemu(machine.open("alex"));
  return [finding?.level, finding?.code, finding?.text];
}
const vfio = 'name "e1000", bus PCI\nname "vfio-pci", bus PCI, desc "VFIO-based PCI device assignment"\n';
const kvm = "Accelerators supported in QEMU binary:\ntcg\nkvm\n";

test("checkQemu() is content with an able one", async () => {
  assert.deepEqual(await check("10.0.3 (Debian 1:10.0.3)", vfio, kvm), [
    "ok",
    undefined,
    "QEMU 10.0, with vfio-pci and KVM",
  ]);
});

test("checkQemu() refuses one that is too old, has no vfio-pci, or is no QEMU", async () => {
  const unable = ["failure", "HD_QEMU_UNABLE"];
  assert.deepEqual((await check("5.2.0", vfio, kvm)).slice(0, 2), unable);
  assert.deepEqual((await check("7.2.0", 'name "vfio-pci-nohotplug"\n', kvm)).slice(0, 2), unable);
  assert.deepEqual((await check("none", vfio, kvm)).slice(0, 2), unable);
});

test("checkQemu() warns of one without KVM", async () => {
  assert.deepEqual((await check("7.2.0", vfio, "tcg\n"))[0], "warning");
});

test("checkQemu() reports that there is none", async () => {
  assert.equal((await checkQemu(labMachine().open()))[0]?.code, "HD_QEMU_NOT_FOUND");
});

test("checkKvm() tells a machine without KVM from a user who may not use it", async () => {
  const machine = labMachine().build();
  assert.equal((await checkKvm(machine.open("alex")))[0]?.level, "note");
  machine.fs.add("/dev/kvm", { kind: "character-device", mode: 0o660, uid: 0, gid: 108 });
  const [finding] = await checkKvm(machine.open("alex"));
  assert.equal(finding?.code, "HD_KVM_NOT_ACCESSIBLE");
  assert.match(finding?.fix ?? "", /adduser alex kvm/);
  assert.equal((await checkKvm(machine.open()))[0]?.level, "ok");
});
