// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeHost } from "../../test/fake-host/fake-host.ts";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { readConfigSpace } from "../pci/config-space.ts";
import { readBinding } from "../vfio/binding.ts";
import { grantDevice } from "./grant-device.ts";
import { readQuarantines } from "./quarantine.ts";
import { recover } from "./recover.ts";
import { releaseDevice } from "./release-device.ts";
import { restore } from "./restore.ts";
import { revokeDevice } from "./revoke-device.ts";
import { readRecords } from "./store.ts";

const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const edu = { ...nic, device: "04:02.0", hold: ["0000:04:01.0", "0000:04:03.0"] };
const address = "0000:01:00.0";
const reset = `/sys/bus/pci/devices/${address}/reset`;
const onStub = { driver: "pci-stub", override: "pci-stub" };

/** The NIC is lent, and its reset will fail. */
async function broken(): Promise<FakeHost> {
  const host = labMachine().open();
  await grantDevice(host, nic);
  host.machine.failOn({ operation: "writeKernel", path: reset, errno: "ENOTTY" });
  return host;
}

test("revokeDevice() resets what the user had while it is with vfio-pci, and takes bus mastering from it", async () => {
  const host = labMachine().open();
  await grantDevice(host, nic);
  host.machine.function(address).config[4] = 0x07; // as a process that was killed may leave it
  const drivers: string[] = [];
  host.machine.on("before", { operation: "writeKernel", path: reset }, () => {
    drivers.push(String(readBinding(host, address).driver));
  });
  host.machine.on("before", { operation: "writeKernel", path: /driver\/unbind$/ }, () => {
    assert.equal(readConfigSpace(host, address)?.header?.command.busMaster, false);
    drivers.push("unbound");
  });
  const { quarantined } = await revokeDevice(host, "01:00.0");
  assert.deepEqual(drivers, ["vfio-pci", "unbound"]);
  assert.deepEqual(quarantined, []);
  assert.equal(host.machine.function(address).resets, 1);
  assert.equal(readBinding(host, address).driver, "e1000e");
});

test("revokeDevice() does not reset held mates, nor what the user never had", async () => {
  const host = labMachine().open();
  await grantDevice(host, { ...edu, acceptNoReset: true });
  await revokeDevice(host, "04:02.0");
  host.machine.failOn({ operation: "setOwnership", errno: "EIO" });
  await assert.rejects(grantDevice(host, nic));
  assert.equal(host.machine.function("0000:04:01.0").resets, 0);
});

test("grantDevice() refuses what cannot be reset, unless that is accepted", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const expected = "Only if you trust the user with that: hostdev-admin grant 0000:04:02.0 ... --accept-no-reset";
  await assert.rejects(
    grantDevice(host, edu),
    (error) => isHostdevError(error, "HD_NO_RESET") && error.hint === expected,
  );
  // It lists `bus`, but its bus has others on it.
  const mate = { ...edu, device: "04:01.0", hold: ["0000:04:03.0"] };
  await assert.rejects(grantDevice(host, mate), (error) => isHostdevError(error, "HD_NO_RESET"));
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  await grantDevice(host, { ...edu, acceptNoReset: true });
  assert.deepEqual((await revokeDevice(host, "04:02.0")).quarantined, []);
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

for (const [what, spoil, reason] of [
  ["its reset fails", () => {}, /^its reset failed: .*ENOTTY/],
  [
    "it answers all ones after its reset",
    (host: FakeHost) => host.machine.function(address).config.fill(0xff),
    /^it does not answer/,
  ],
  [
    "it says that it is another device",
    (host: FakeHost) => host.machine.function(address).config.set([0x86, 0x80, 0x34, 0x12]),
    /^it says that it is 8086:1234 now/,
  ],
  [
    "it keeps bus mastering",
    (host: FakeHost) => {
      host.machine.function(address).config[4] = 0x07;
      host.machine.failOn({ operation: "writeKernel", path: /\/config$/, errno: "EPERM" });
    },
    /^bus mastering cannot be taken from it/,
  ],
] as const) {
  test(`revokeDevice() puts the device into quarantine when ${what}`, async () => {
    const host = what === "its reset fails" ? await broken() : labMachine().open();
    if (what !== "its reset fails") await grantDevice(host, nic);
    const spoiled = () => spoil(host);
    host.machine.on("after", { operation: "writeKernel", path: reset }, spoiled);
    const { quarantined } = await revokeDevice(host, "01:00.0");
    assert.match(quarantined[0]?.reason ?? "", reason);
    assert.equal(quarantined[0]?.user, "alex");
    assert.deepEqual(readBinding(host, address), onStub);
    assert.equal(host.status("/dev/vfio/11"), undefined);
    assert.deepEqual(readRecords(host), []);
    assert.deepEqual(readQuarantines(host), quarantined);
    assert.equal(
      host.machine.log.some(({ path, value }) => path.endsWith("drivers_probe") && value === "e1000e"),
      false,
    );
  });
}

test("grantDevice() refuses a device in quarantine, and says how it gets out", async () => {
  const host = await broken();
  await revokeDevice(host, "01:00.0");
  await assert.rejects(
    grantDevice(host, nic),
    (error) => isHostdevError(error, "HD_QUARANTINED") && /release 0000:01:00\.0 --trust/.test(error.hint ?? ""),
  );
});

test("releaseDevice() needs trust, and then gives back driver, override and modules exactly", async () => {
  const machine = labMachine().build();
  machine.write(`/sys/bus/pci/devices/${address}/driver_override`, "e1000e"); // by another hand
  const before = machine.snapshot();
  const host = machine.open();
  await grantDevice(host, nic);
  machine.failOn({ operation: "writeKernel", path: reset, errno: "ENOTTY" });
  await revokeDevice(host, "01:00.0");
  const held = machine.snapshot();
  await assert.rejects(releaseDevice(host, "01:00.0", false), (error) => isHostdevError(error, "HD_QUARANTINED"));
  assert.deepEqual(diffSnapshots(held, machine.snapshot()), []);
  const { noReset } = await releaseDevice(host, "01:00.0", true);
  assert.match(noReset ?? "", /^its reset failed/);
  assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
  await assert.rejects(releaseDevice(host, "01:00.0", true), (error) => isHostdevError(error, "HD_NOT_QUARANTINED"));
});

test("releaseDevice() keeps in quarantine what no driver takes", async () => {
  const host = await broken();
  await revokeDevice(host, "01:00.0");
  host.machine.failOn({ operation: "writeKernel", path: "/sys/bus/pci/drivers_probe", errno: "EIO", times: 1 });
  await assert.rejects(releaseDevice(host, "01:00.0", true));
  assert.deepEqual(readBinding(host, address), onStub);
  assert.equal(readQuarantines(host).length, 1);
  await releaseDevice(host, "01:00.0", true);
});

test("two devices in quarantine: pci-stub goes with the last, whichever that is", async () => {
  for (const order of [
    ["01:00.0", "02:00.0"],
    ["02:00.0", "01:00.0"],
  ] as const) {
    const host = labMachine().open();
    const before = host.machine.snapshot();
    host.machine.failOn({ operation: "writeKernel", path: /\/reset$/, errno: "ENOTTY" });
    for (const device of ["01:00.0", "02:00.0"]) {
      await grantDevice(host, { ...nic, device });
      await revokeDevice(host, device);
    }
    for (const device of order) await releaseDevice(host, device, true);
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
  }
});

test("a quarantine outlives a reboot as a record, and release then makes the best of what the boot made", async () => {
  const host = await broken();
  await revokeDevice(host, "01:00.0");
  host.machine.reboot();
  const admin = host.machine.open();
  assert.equal(readQuarantines(admin)[0]?.address, address);
  await assert.rejects(grantDevice(admin, nic), (error) => isHostdevError(error, "HD_QUARANTINED"));
  await releaseDevice(admin, "01:00.0", true);
  assert.deepEqual(readBinding(admin, address), { driver: "e1000e", override: null });
  assert.equal(admin.status("/var/lib/hostdev"), undefined);
});

test("recover() after a reboot holds again what is in quarantine, and release brings back what the boot made", async () => {
  const host = await broken();
  await revokeDevice(host, "01:00.0");
  host.machine.reboot();
  const fresh = host.machine.snapshot();
  const admin = host.machine.open();
  const warnings: string[] = [];
  await recover(admin, { onWarning: (text) => warnings.push(text) });
  assert.deepEqual(warnings, ["0000:01:00.0 is in quarantine, and is held again"]);
  assert.deepEqual(readBinding(admin, address), onStub);
  await recover(admin, { onWarning: (text) => warnings.push(text) });
  assert.equal(warnings.length, 1);
  await releaseDevice(admin, "01:00.0", true);
  const withoutRecord = diffSnapshots(fresh, host.machine.snapshot(), [/\/var\/lib\/hostdev/]);
  assert.deepEqual(withoutRecord, []);
});

test("restore() at boot holds again what is in quarantine, before anything is lent", async () => {
  const host = await broken();
  await revokeDevice(host, "01:00.0");
  host.machine.reboot();
  const warnings: string[] = [];
  assert.deepEqual(await restore(host.machine.open(), { onWarning: (text) => warnings.push(text) }), []);
  assert.deepEqual(warnings, ["0000:01:00.0 is in quarantine, and is held again"]);
  assert.deepEqual(readBinding(host.machine.open(), address), onStub);
});

test("recover() leaves what is in quarantine to the host that lives on it again, or to another card", async () => {
  const machine = (await broken()).machine;
  await revokeDevice(machine.open(), "01:00.0");
  machine.reboot();
  machine.fs.add(
    "/proc/net/route",
    attribute(
      `Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nenp1s0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0`,
    ),
  );
  const warnings: string[] = [];
  await recover(machine.open(), { onWarning: (text) => warnings.push(text) });
  assert.match(warnings[0] ?? "", /is not held: the host uses it: .*the default route/);
  machine.reboot((topology) => topology.change(address, { ids: "8086:1533" }));
  await recover(machine.open(), { onWarning: (text) => warnings.push(text) });
  assert.match(warnings[1] ?? "", /is not held: another card is there now/);
});

for (const moment of ["before", "torn", "after"] as const) {
  test(`recover() after a kill ${moment} any operation of a revoke that ends in quarantine`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      machine.failOn({ operation: "writeKernel", path: reset, errno: "ENOTTY" });
      await grantDevice(machine.open(), nic);
      const host = machine.open();
      const isKilled = await killed(host, n, moment, () => revokeDevice(host, "01:00.0"));
      const admin = machine.open();
      await recover(admin);
      if (readRecords(admin).length === 1) await revokeDevice(admin, "01:00.0");
      assert.deepEqual(readBinding(admin, address), onStub, `kill ${moment} operation ${n}`);
      await releaseDevice(admin, "01:00.0", true);
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} operation ${n}`);
      if (!isKilled) break;
    }
  });

  test(`releaseDevice() killed ${moment} any operation can be run again`, async () => {
    for (let n = 1; ; n++) {
      const machine = labMachine().build();
      const before = machine.snapshot();
      machine.failOn({ operation: "writeKernel", path: reset, errno: "ENOTTY" });
      await grantDevice(machine.open(), nic);
      await revokeDevice(machine.open(), "01:00.0");
      const host = machine.open();
      const isKilled = await killed(host, n, moment, () => releaseDevice(host, "01:00.0", true));
      const admin = machine.open();
      if (readQuarantines(admin).length > 0) await releaseDevice(admin, "01:00.0", true);
      else await recover(admin); // which removes what folders are empty
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), [], `kill ${moment} ${n}`);
      if (!isKilled) break;
    }
  });
}
