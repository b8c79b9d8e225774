// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { readBinding } from "../vfio/binding.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice, previewCreation, previewGrant } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { releaseDevice } from "./release-device.ts";
import { revokeDevice } from "./revoke-device.ts";
import { readRecords } from "./store.ts";
import { readPools } from "./vf-pool.ts";

const igb: GrantRequest = { device: "05:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const made: GrantRequest = { ...igb, vf: { index: "any", create: 2, mac: "52:54:00:aa:00:01", vlan: 7 } };
const numvfs = "/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs";
const [first, second] = ["0000:05:10.0", "0000:05:10.2"] as const;

test("grantDevice() makes virtual functions, sets MAC and VLAN, and lends one; a revoke ends them", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  assert.deepEqual(await previewCreation(host, made), { physicalFunction: "0000:05:00.0", count: 2 });
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  const grant = await grantDevice(host, made);
  assert.equal(grant.device, first);
  assert.deepEqual(grant.virtualFunction, {
    physicalFunction: "0000:05:00.0",
    index: 0,
    created: 2,
    mac: "52:54:00:aa:00:01",
    vlan: 7,
  });
  assert.equal(readBinding(host, first).driver, "vfio-pci");
  assert.equal(readBinding(host, second).driver, null); // to be lent, not for the host
  assert.deepEqual(host.machine.function(first).settings, { mac: "52:54:00:aa:00:01", vlan: 7 });
  assert.equal(host.status(`/dev/vfio/${grant.group}`)?.uid, 1000);
  const { left } = await revokeDevice(host, first);
  assert.deepEqual(left, []);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("virtual functions that we made stay until the last grant of them ends", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, made);
  const other = await grantDevice(host, { ...igb, user: "bea", vf: { index: "any" } });
  assert.equal(other.device, second);
  await assert.rejects(grantDevice(host, { ...igb, vf: { index: "any" } }), (error) =>
    isHostdevError(error, "HD_VF_NOT_FOUND"),
  );
  await revokeDevice(host, first);
  assert.equal(host.readText(numvfs), "2\n");
  await revokeDevice(host, second);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("virtual functions that were there stay, with what they were held to", async () => {
  const host = labMachine().open();
  host.machine.write(numvfs, "3");
  const before = host.machine.snapshot();
  await grantDevice(host, { ...igb, vf: { index: 1, mac: "52:54:00:aa:00:02" } });
  assert.equal(host.machine.function(second).settings.mac, "52:54:00:aa:00:02");
  assert.equal(readBinding(host, second).driver, "vfio-pci");
  await revokeDevice(host, second);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("virtual functions stay while the host uses one of them, and the revoke says so", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, made);
  const holder = host.machine.process({ user: "root", comm: "other-vm" });
  host.machine.rebind(second, "vfio-pci");
  const group = host.machine.function(second).group ?? 0;
  host.machine.holdGroup(holder, group);
  const { left } = await revokeDevice(host, first);
  assert.match(left[0] ?? "", /^the virtual functions of 0000:05:00\.0 stay: somebody has 0000:05:10\.2 open/);
  assert.equal(host.readText(numvfs), "2\n");
  host.machine.processes.end(holder.pid);
  await recover(host);
  // vfio-pci was needed when the grant ended.
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot(), [/^modules/]), []);
});

test("grantDevice() refuses requests for virtual functions that cannot be met, and changes nothing", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const cases: readonly (readonly [Partial<GrantRequest>, string])[] = [
    [{ vf: { index: 0 } }, "HD_VF_NOT_FOUND"], // none there, none to be made
    [{ vf: { index: "any", create: 8 } }, "HD_VF_NOT_FOUND"], // 7 at most
    [{ vf: { index: 2, create: 2 } }, "HD_VF_NOT_FOUND"],
    [{ device: "01:00.0", vf: { index: "any", create: 1 } }, "HD_NOT_A_PF"],
    [{ user: "nobody-here", vf: { index: "any", create: 1 } }, "HD_USER_NOT_FOUND"],
  ];
  for (const [change, code] of cases) {
    await assert.rejects(grantDevice(host, { ...igb, ...change }), (error) => isHostdevError(error, code as never));
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), [], JSON.stringify(change));
  }
  host.machine.write(numvfs, "2");
  await assert.rejects(
    grantDevice(host, { ...igb, vf: { index: "any", create: 4 } }),
    (error) => isHostdevError(error, "HD_VFS_EXIST") && /--vf any/.test(error.hint ?? ""),
  );
  await assert.rejects(
    grantDevice(host, { ...igb, device: first, vf: { index: "any" } }),
    (error) => isHostdevError(error, "HD_NOT_A_PF") && /it is itself one of 0000:05:00\.0/.test(error.message),
  );
  // The physical function with live virtual ones is not lent.
  await assert.rejects(previewGrant(host, igb), (error) => isHostdevError(error, "HD_IN_USE"));
});

test("grantDevice() that fails after virtual functions were made ends them", async () => {
  for (const fault of [
    { operation: "run", path: "ip", value: /vlan 7/, errno: "EINVAL" },
    { operation: "setOwnership", errno: "EIO" },
    { operation: "writeKernel", path: numvfs, value: "2", errno: "ENOMEM" },
  ] as const) {
    const host = labMachine().open();
    const before = host.machine.snapshot();
    host.machine.failOn({ ...fault, times: 1 });
    await assert.rejects(grantDevice(host, made));
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), [], JSON.stringify(fault));
  }
});

test("a virtual function in quarantine keeps those beside it, until it is released", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, made);
  host.machine.failOn({ operation: "writeKernel", path: /\/reset$/, errno: "ENOTTY" });
  const { quarantined, left } = await revokeDevice(host, first);
  assert.equal(quarantined.length, 1);
  assert.match(left[0] ?? "", /0000:05:10\.0 is in quarantine/);
  await releaseDevice(host, first, true);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() makes virtual functions on a machine without udev, too", async () => {
  const host = labMachine().withoutCommand("udevadm").open();
  await grantDevice(host, made);
  assert.equal(host.readText(numvfs), "2\n");
});

test("virtual functions that we made are nobody's after a reboot", async () => {
  const host = labMachine().open();
  await grantDevice(host, made);
  host.machine.reboot();
  const admin = host.machine.open();
  await revokeDevice(admin, first);
  assert.deepEqual(readPools(admin), []);
  assert.equal(admin.status("/var/lib/hostdev"), undefined);
});

for (const moment of ["before", "torn", "after"] as const) {
  test(`recover() after a kill ${moment} any operation of lending a virtual function that has to be made`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      const host = machine.open();
      const isKilled = await killed(host, n, moment, () => grantDevice(host, made));
      const admin = machine.open();
      await recover(admin);
      if (readRecords(admin).length === 1) await revokeDevice(admin, first);
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
      if (!isKilled) break;
    }
  });

  test(`recover() after a kill ${moment} any operation of taking a virtual function back that was made`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      await grantDevice(machine.open(), made);
      const host = machine.open();
      const isKilled = await killed(host, n, moment, () => revokeDevice(host, first));
      const admin = machine.open();
      await recover(admin);
      if (readRecords(admin).length === 1) await revokeDevice(admin, first);
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
      if (!isKilled) break;
    }
  });
}
