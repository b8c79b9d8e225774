// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeHost } from "../../test/fake-host/fake-host.ts";
import { bigMachine, desktopMachine, labMachine, noIommuMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { GiB, MiB } from "../core/units.ts";
import { readMemlock } from "../memlock/limit.ts";
import { readBinding } from "../vfio/binding.ts";
import { isModulePresent } from "../vfio/modules.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice, previewGrant } from "./grant-device.ts";
import { revokeDevice } from "./revoke-device.ts";

const nic: GrantRequest = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const edu: GrantRequest = { ...nic, device: "04:02.0", hold: ["0000:04:01.0", "0000:04:03.0"], acceptNoReset: true };

/** Runs a grant that is to be refused; tells its code, after making sure that nothing changed. */
async function refusal(host: FakeHost, request: GrantRequest): Promise<string> {
  const before = host.machine.snapshot();
  try {
    await grantDevice(host, request);
    return "granted";
  } catch (error) {
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
    return isHostdevError(error) ? error.code : String(error);
  }
}

test("grantDevice() gives the device, raises the limits, and gives the node last", async () => {
  const host = labMachine().open();
  const grant = await grantDevice(host, nic);
  assert.equal(grant.memlockBytes, 256 * MiB + GiB);
  assert.deepEqual(readBinding(host, "0000:01:00.0"), { driver: "vfio-pci", override: "vfio-pci" });
  assert.equal(host.status("/dev/vfio/11")?.uid, 1000);
  assert.equal(host.status("/dev/vfio/11")?.mode, 0o600);
  const shell = host.machine.processes.all().find((process) => process.comm === "bash");
  assert.deepEqual(readMemlock(host, shell?.pid ?? 0), { softBytes: 1280 * MiB, hardBytes: 1280 * MiB });
  assert.match(host.readText("/etc/security/limits.d/hostdev-1000.conf") ?? "", /^1000:1000 - memlock 1310720$/m);
  assert.equal(host.machine.log.filter(({ operation }) => operation === "setOwnership").at(-1)?.path, "/dev/vfio/11");
});

test("grantDevice() then revokeDevice() leaves the machine exactly as it was", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, nic);
  await revokeDevice(host, "01:00.0");
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() with held mates: the user reaches the device, not the mates", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  await grantDevice(host, edu);
  assert.equal(readBinding(host, "0000:04:02.0").driver, "vfio-pci");
  assert.equal(readBinding(host, "0000:04:01.0").driver, "pci-stub");
  assert.equal(readBinding(host, "0000:04:03.0").driver, "pci-stub");
  assert.equal(host.machine.isViable(13), true);
  await revokeDevice(host, "04:02.0");
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() restores an override that somebody else had set, also one that shuts the driver out", async () => {
  for (const override of ["e1000e", "vfio-pci", "pci-stub", "no-such-driver"]) {
    const host = labMachine().open();
    host.machine.write("/sys/bus/pci/devices/0000:01:00.0/driver_override", override);
    const before = host.machine.snapshot();
    await grantDevice(host, nic);
    await revokeDevice(host, "01:00.0");
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), [], override);
  }
});

test("grantDevice() refuses mates that the administrator did not name, and says how to accept them", async () => {
  const host = labMachine().open();
  assert.equal(await refusal(host, { ...edu, hold: [] }), "HD_MATES_NOT_ACCEPTED");
  await assert.rejects(
    grantDevice(host, { ...edu, hold: ["0000:04:01.0"] }),
    (error) => isHostdevError(error, "HD_MATES_NOT_ACCEPTED") && /--hold 0000:04:03\.0/.test(error.hint ?? ""),
  );
});

test("grantDevice() refuses bad requests, and changes nothing", async () => {
  const host = labMachine().function("0000:00:1f.0", { ids: "8086:2918", class: "060100", group: 9 }).open();
  const cases: readonly (readonly [Partial<GrantRequest>, string])[] = [
    [{ device: "0000:77:00.0" }, "HD_DEVICE_NOT_FOUND"],
    [{ device: "01:00.9" }, "HD_INVALID_ADDRESS"],
    [{ device: "00:02.0" }, "HD_IS_BRIDGE"],
    [{ device: "00:1f.0" }, "HD_IS_PLATFORM"],
    [{ user: "nobody-here" }, "HD_USER_NOT_FOUND"],
    [{ user: "" }, "HD_USER_NOT_FOUND"],
    [{ user: "root" }, "HD_USER_IS_ROOT"],
    [{ memoryBytes: 64 * GiB }, "HD_MEMORY_EXCEEDS_HOST"],
    [{ hold: ["0000:02:00.0"] }, "HD_NOT_A_MATE"],
    [{ hold: ["0000:01:00.0"] }, "HD_NOT_A_MATE"],
  ];
  for (const [change, code] of cases)
    assert.equal(await refusal(host, { ...nic, ...change }), code, JSON.stringify(change));
});

test("grantDevice() refuses a device that has stopped to answer", async () => {
  const host = labMachine().open();
  host.machine.function("0000:01:00.0").config.fill(0xff);
  assert.equal(await refusal(host, nic), "HD_DEVICE_INSANE");
});

test("grantDevice() refuses what the host lives on, also as a mate, unless it is forced by name", async () => {
  const host = desktopMachine().open();
  const disk = { ...nic, device: "02:00.0" };
  assert.equal(await refusal(host, disk), "HD_IN_USE");
  await assert.rejects(grantDevice(host, disk), /carries the root file system/);
  assert.equal(await refusal(host, { ...nic, device: "00:1f.6" }), "HD_IN_USE");
  await grantDevice(host, { ...nic, device: "00:1f.6", force: ["0000:00:1f.6"] });
});

test("grantDevice() refuses on a machine without IOMMU", async () => {
  assert.equal(await refusal(noIommuMachine().open(), nic), "HD_NO_IOMMU_GROUP");
});

test("grantDevice() refuses what is lent already, to the same user, to another, and a mate of it", async () => {
  const host = labMachine().open();
  await grantDevice(host, edu);
  assert.equal(await refusal(host, edu), "HD_ALREADY_GRANTED");
  assert.equal(await refusal(host, { ...edu, user: "bea" }), "HD_ALREADY_GRANTED");
  assert.equal(await refusal(host, { ...nic, device: "04:01.0" }), "HD_ALREADY_GRANTED");
});

test("grantDevice() refuses a group that a process holds, and names it", async () => {
  const host = labMachine().open();
  await host.run("modprobe", ["vfio-pci"]);
  host.machine.write("/sys/bus/pci/devices/0000:01:00.0/driver_override", "vfio-pci");
  host.machine.rebind("0000:01:00.0", "vfio-pci");
  host.machine.holdGroup(host.machine.process({ user: "root", comm: "qemu" }), 11);
  assert.equal(await refusal(host, nic), "HD_GROUP_HELD");
});

test("grantDevice() as an ordinary user touches nothing", async () => {
  const host = labMachine().open();
  assert.equal(await refusal(host.as("alex"), nic), "HD_NEEDS_ROOT");
});

test("previewGrant() changes nothing", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const { steps } = await previewGrant(host, nic);
  assert.deepEqual(
    steps.map((step) => step.kind),
    ["module", "module", "binding", "memlock", "file", "unit", "owner"],
  );
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() sums a user's limits, and revokeDevice() in any order lowers them by what was added", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const limits = () => host.readText("/etc/security/limits.d/hostdev-1000.conf")?.match(/memlock (\d+)/)?.[1];
  await grantDevice(host, nic);
  await grantDevice(host, { ...nic, device: "02:00.0", memoryBytes: 512 * MiB });
  assert.equal(limits(), String((256 + 512 + 2048) * 1024));
  await revokeDevice(host, "01:00.0");
  assert.equal(limits(), String((512 + 1024) * 1024));
  assert.equal(readBinding(host, "0000:02:00.0").driver, "vfio-pci");
  for (const module of ["vfio_iommu_type1", "vfio-pci"] as const) assert.equal(isModulePresent(host, module), true);
  await revokeDevice(host, "02:00.0");
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() interrupted by a signal undoes what it did", async () => {
  const host = labMachine().open();
  const before = host.machine.snapshot();
  const controller = new AbortController();
  const stopAfter = (count: number) => ({
    signal: controller.signal,
    onStep: (_step: unknown, index: number) => index + 1 === count && controller.abort("SIGINT"),
  });
  await assert.rejects(grantDevice(host, nic, stopAfter(3) as never), (error) =>
    isHostdevError(error, "HD_INTERRUPTED"),
  );
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
});

test("grantDevice() undoes everything whichever of its acts fails", async () => {
  const reference = labMachine().open();
  await grantDevice(reference, edu);
  // Neither the lock, before which nothing is done, nor the log, which is not worth failing for.
  const acts = reference.machine.log.filter(({ operation, path }) => operation !== "lock" && path !== "logger");
  for (const [index, { operation, path, value }] of acts.entries()) {
    const host = labMachine().open();
    const before = host.machine.snapshot();
    const earlier = acts.slice(0, index).filter((act) => act.operation === operation && act.path === path);
    host.machine.failOn({ operation, path, errno: "EIO", times: 1, after: earlier.length });
    await assert.rejects(grantDevice(host, edu), isHostdevError, `${operation} ${path} ${value}`);
    assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), [], `${operation} ${path} ${value}`);
  }
});

test("previewGrant() on a machine of 4096 functions reads no more than it needs", async () => {
  const host = bigMachine(4096).user("alex", 1000).open();
  await assert.rejects(previewGrant(host, { ...nic, device: "0000:01:00.0" }), (error) =>
    isHostdevError(error, "HD_MATES_NOT_ACCEPTED"),
  );
});

test("grantDevice() refuses what would leave the host too little memory, over all users, and tells how to go on", async () => {
  const host = labMachine().open(); // 8 GiB, of which 2 stay
  await grantDevice(host, { ...nic, memoryBytes: 4 * GiB });
  const disk = { ...nic, device: "02:00.0", user: "bea", memoryBytes: 3 * GiB };
  assert.equal(await refusal(host, disk), "HD_MEMLOCK_BUDGET");
  await assert.rejects(
    grantDevice(host, disk),
    (error) =>
      isHostdevError(error, "HD_MEMLOCK_BUDGET") &&
      error.details.lentBytes === 4 * GiB &&
      /of 8 GiB the host keeps 2 GiB, and VMs .* may have 4 GiB already/.test(error.message) &&
      error.hint ===
        "Give at most --memory 2048MiB, or free some: hostdev-admin revoke 0000:01:00.0 (4096 MiB of alex)",
  );
  assert.equal((await previewGrant(host, { ...disk, leaveBytes: GiB })).grant.memoryBytes, 3 * GiB);
  await grantDevice(host, { ...disk, memoryBytes: 2 * GiB });
});
