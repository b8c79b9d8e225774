// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeMachine } from "../../test/fake-host/fake-machine.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import { readBinding } from "../vfio/binding.ts";
import { grantDevice } from "./grant-device.ts";

const disk = { device: "02:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const route =
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n" +
  "enp4s1\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";

for (const [what, device, hold, begin] of [
  [
    "a file system is mounted",
    "02:00.0",
    [],
    (machine: FakeMachine) => machine.mount("/dev/nvme0n1", "/mnt", "ext4", "259:0"),
  ],
  [
    "swap space is added",
    "02:00.0",
    [],
    (machine: FakeMachine) => {
      const line = "/dev/nvme0n1                            partition\t1048572\t\t0\t\t-2";
      machine.fs.add("/proc/swaps", attribute(`Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${line}`));
    },
  ],
  [
    "a network card gets the default route, which is a mate",
    "04:02.0",
    ["0000:04:01.0", "0000:04:03.0"],
    (machine: FakeMachine) => machine.fs.add("/proc/net/route", attribute(route)),
  ],
] as const) {
  test(`grantDevice() takes nothing when ${what} between the plan and the unbind`, async () => {
    const host = labMachine().open();
    // The last moment: the step is announced already.
    const announced = { operation: "appendFile", value: /"begin":2/ } as const;
    const { machine } = host;
    machine.on("before", announced, () => void begin(machine));
    const before = machine.snapshot();
    await assert.rejects(grantDevice(host, { ...disk, device, hold, acceptNoReset: true }), (error) =>
      isHostdevError(error, "HD_IN_USE"),
    );
    assert.deepEqual(diffSnapshots(before, machine.snapshot(), [/^modules/]), []);
    const unbinds = machine.log.filter(({ path }) => path.endsWith("/unbind"));
    assert.deepEqual(unbinds, []);
  });
}

test("grantDevice() takes what it is forced to, also when the use began later", async () => {
  const host = labMachine().open();
  const announced = { operation: "appendFile", value: /"begin":2/ } as const;
  host.machine.on("before", announced, () => host.machine.mount("/dev/nvme0n1", "/mnt", "ext4", "259:0"));
  await grantDevice(host, { ...disk, force: ["0000:02:00.0"] });
  assert.equal(readBinding(host, "0000:02:00.0").driver, "vfio-pci");
});

test("grantDevice() refuses what the host may use, for all that can be read", async () => {
  const host = labMachine().open();
  host.machine.failOn({ operation: "readText", path: "/proc/swaps", errno: "EACCES" });
  await assert.rejects(
    grantDevice(host, disk),
    (error) =>
      isHostdevError(error, "HD_USAGE_UNKNOWN") &&
      error.message.endsWith("without reading /proc/swaps") &&
      (error.hint ?? "").endsWith("--force 0000:02:00.0"),
  );
  await grantDevice(host, { ...disk, force: ["0000:02:00.0"] });
});
