// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { QemuBehaviour } from "../../../test/session/fake-qemu.ts";
import { hasCode, listen, machineOfAlex, until, xml } from "../../../test/session/session-of-alex.ts";
import { isHostdevError } from "../../core/errors.ts";
import { GiB, MiB } from "../../core/units.ts";
import { openSession } from "../open-session.ts";

/** alex's machine with the NIC lent to him, and so much lockable memory. */
async function withNic(behaviour: QemuBehaviour, hardBytes = GiB) {
  const all = machineOfAlex(behaviour);
  const { machine } = all;
  machine.modules.load("vfio-pci");
  machine.rebind("0000:01:00.0", "vfio-pci");
  machine.open().setOwnership("/dev/vfio/11", { uid: 1000, gid: 1000, mode: 0o600 });
  const program = all.host();
  program.process.memlock.hard = hardBytes;
  const session = await openSession(program);
  const domain = await session.defineXml(xml());
  await domain.start();
  const qemu = all.started[0];
  assert.ok(qemu !== undefined);
  return { ...all, session, domain, qemu };
}

const nic =
  "<hostdev mode='subsystem' type='pci'><source><address domain='0' bus='1' slot='0' function='0'/></source></hostdev>";

test("a device of the host is plugged in on the free port, with only the soft limit raised, and comes out again", async () => {
  const { domain, qemu, session } = await withNic({});
  const told = listen(session);
  await domain.attachDevice(nic, "live");
  const command = qemu.commands.find(({ execute }) => execute === "device_add");
  assert.deepEqual(command?.arguments, {
    ...{ driver: "vfio-pci", host: "0000:01:00.0", id: "hostdev0" },
    ...{ bus: "pci.3", addr: "0x0" },
  });
  assert.deepEqual(qemu.process.memlock, { soft: 66 * MiB, hard: GiB });
  assert.match(domain.getXml(), /<hostdev.*<driver name='vfio'\/>/s);
  await assert.rejects(domain.attachDevice(nic, "live"), hasCode("HD_GUEST_DEVICE_EXISTS"));
  assert.equal(await domain.detachDevice(nic, "live"), "removed");
  assert.deepEqual(told, ["one device-added hostdev0", "one device-removed hostdev0"]);
  assert.doesNotMatch(domain.getXml(), /<hostdev/);
  await assert.rejects(domain.detachDevice(nic, "live"), hasCode("HD_NO_GUEST_DEVICE"));
});

test("a guest that refuses, and one that does not answer, are told apart; later it may still let go", async () => {
  const refusing = await withNic({ unplug: "refuses" });
  await refusing.domain.attachDevice(nic, "live");
  await assert.rejects(refusing.domain.detachDevice(nic, "live"), hasCode("HD_UNPLUG_REJECTED"));
  assert.match(refusing.domain.getXml(), /<hostdev/);
  const silent = await withNic({ unplug: "ignores" });
  await silent.domain.attachDevice(nic, "live");
  assert.equal(await silent.domain.detachDeviceAlias("hostdev0", "live"), "requested");
  assert.match(silent.domain.getXml(), /<hostdev/);
  silent.qemu.tell("DEVICE_DELETED", { device: "hostdev0" });
  await until(() => !silent.domain.getXml().includes("<hostdev"));
});

test("without the right to lock so much, nothing is plugged in, and the reason is told", async () => {
  const { domain, qemu } = await withNic({}, 32 * MiB);
  await assert.rejects(
    domain.attachDevice(nic, "live"),
    (error) => isHostdevError(error, "HD_MEMLOCK_TOO_LOW") && error.message.includes("66 MiB"),
  );
  assert.deepEqual(
    qemu.commands.filter(({ execute }) => execute === "device_add"),
    [],
  );
});

test("a device for which there is no port, or that QEMU refuses, leaves nothing behind", async () => {
  const { domain, qemu } = await withNic({ errors: { device_add: "no luck" } });
  const disk = "<disk type='file'><source file='/home/alex/a.img'/><target dev='vda' bus='virtio'/></disk>";
  await assert.rejects(
    domain.attachDevice(disk, "live"),
    (error) => isHostdevError(error, "HD_QMP_COMMAND") && error.message.includes("no luck"),
  );
  const undone = qemu.commands.filter(({ execute }) => execute.startsWith("blockdev-")).map(({ execute }) => execute);
  assert.deepEqual(undone, ["blockdev-add", "blockdev-del"]);
  assert.doesNotMatch(domain.getXml(), /vda/);
  const ide = disk.replace("'virtio'", "'sata'").replace("vda", "sda");
  await assert.rejects(domain.attachDevice(ide, "live"), hasCode("HD_DOMAIN_UNSUPPORTED"));
  const full = await withNic({});
  await full.domain.attachDevice(disk, "live");
  await assert.rejects(
    full.domain.attachDevice(disk.replace("vda", "vdb"), "live"),
    (error) => isHostdevError(error, "HD_DOMAIN_INVALID") && error.message.includes("free pcie-root-port"),
  );
});

test("a conventional device is told to be lent first, and then that it wants a bridge", async () => {
  const { domain, machine } = await withNic({});
  const edu = nic.replace("bus='1' slot='0'", "bus='4' slot='2'");
  const says = (text: string) => (error: unknown) => error instanceof Error && error.message.includes(text);
  await assert.rejects(domain.attachDevice(edu, "live"), says("it is bound to no driver, not to vfio-pci"));
  machine.modules.load("pci-stub");
  for (const mate of ["0000:04:01.0", "0000:04:03.0"]) machine.rebind(mate, "pci-stub");
  machine.rebind("0000:04:02.0", "vfio-pci");
  machine.open().setOwnership("/dev/vfio/13", { uid: 1000, gid: 1000, mode: 0o600 });
  await assert.rejects(domain.attachDevice(edu, "live"), says("no free pcie-to-pci-bridge"));
});
