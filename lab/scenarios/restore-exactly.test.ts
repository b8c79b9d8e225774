// SPDX-License-Identifier: Apache-2.0

/*
 * What was lent comes back exactly as it was, whatever that was: drivers, overrides (also somebody else's), nodes, modules, limits,
 * files. Each section puts the machine into a state, lends, takes back, and compares.
 */

import assert from "node:assert/strict";
import { Administrator, type LendingRequest } from "../src/administrator/administrator.ts";
import type { Lab } from "../src/lab.ts";
import { fullZoo } from "../src/machine/zoo.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";

const { section } = labScenario({ topology: fullZoo });
const devices = "/sys/bus/pci/devices";
const lend = (device: string, ...hold: readonly string[]): LendingRequest => ({
  device: `0000:${device}`,
  user: "alex",
  memoryBytes: 64 << 20,
  hold: hold.map((address) => `0000:${address}`),
  force: [],
  acceptNoReset: device === "04:02.0", // edu has no way to be reset
});

let administrator: Administrator;

/**
 * Prepares the machine, lends all, takes all back in the order of `back` (positions in `requests`), and demands that
 * nothing differs from before the lending. `meanwhile` looks at the machine while all is lent.
 */
async function lendAndTakeBack(
  lab: Lab,
  prepare: string,
  requests: readonly LendingRequest[],
  back: readonly number[],
  meanwhile: (lab: Lab) => Promise<void> = async () => {},
): Promise<void> {
  await lab.root(`set -e; ${prepare}`, { check: true });
  const before = await takeSnapshot(lab);
  for (const request of requests) await administrator.grant(request);
  assert.notDeepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  await meanwhile(lab);
  for (const index of back) await administrator.revoke(requests[index]?.device ?? "");
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
}

section("a user is there, with processes of his own", async (lab) => {
  lab.spawn("alex", "exec sleep 100000", { login: true });
  administrator = await Administrator.start(lab);
});

section("NIC, NVMe, a conventional group, a port behind a switch: all at once, back in another order", async (lab) => {
  const requests = [lend("01:00.0"), lend("02:00.0"), lend("04:02.0", "04:01.0", "04:03.0"), lend("08:00.0")];
  await lendAndTakeBack(lab, "true", requests, [2, 0, 3, 1], async () => {
    const { stdout } = await lab.root(
      "stat -c '%u %a %n' /dev/vfio/[0-9]*; cat /etc/security/limits.d/hostdev-1000.conf",
    );
    assert.equal(stdout.match(/^1000 600 /gm)?.length, 4, stdout);
    assert.match(stdout, /^1000:1000 - memlock 4456448$/m); // four times 64 MiB and 1 GiB
  });
});

section("a device without a driver", async (lab) => {
  const prepare = `echo 0000:01:00.0 > ${devices}/0000:01:00.0/driver/unbind`;
  await lendAndTakeBack(lab, prepare, [lend("01:00.0")], [0]);
  await lab.root("echo 0000:01:00.0 > /sys/bus/pci/drivers_probe; udevadm settle", { check: true });
});

section("overrides of somebody else: to the driver it has, to another one, to one that does not exist", async (lab) => {
  const overrides = { "01:00.0": "e1000e", "08:00.0": "pci-stub", "09:00.0": "no-such-driver" };
  const set = Object.entries(overrides).map(
    ([address, to]) => `echo ${to} > ${devices}/0000:${address}/driver_override`,
  );
  const requests = Object.keys(overrides).map((address) => lend(address));
  await lendAndTakeBack(lab, set.join("; "), requests, [0, 1, 2], async () => {
    const { stdout } = await lab.root(`cat ${devices}/0000:0[189]:00.0/driver_override`);
    assert.equal(stdout, "vfio-pci\nvfio-pci\nvfio-pci\n");
  });
  const clear = Object.keys(overrides).map((address) => `echo > ${devices}/0000:${address}/driver_override`);
  await lab.root(clear.join("; "), { check: true });
});

section("prepared by hand beforehand: on vfio-pci, with a node for a group of users, modules loaded", async (lab) => {
  const prepare = `
    modprobe -a vfio-pci pci-stub
    echo vfio-pci > ${devices}/0000:01:00.0/driver_override
    echo 0000:01:00.0 > ${devices}/0000:01:00.0/driver/unbind
    echo 0000:01:00.0 > /sys/bus/pci/drivers_probe
    udevadm settle
    node=/dev/vfio/$(basename $(readlink ${devices}/0000:01:00.0/iommu_group))
    chgrp kvm $node; chmod 660 $node`;
  await lendAndTakeBack(lab, prepare, [lend("01:00.0"), lend("04:02.0", "04:01.0", "04:03.0")], [1, 0]);
  const back = `
    echo > ${devices}/0000:01:00.0/driver_override
    echo 0000:01:00.0 > ${devices}/0000:01:00.0/driver/unbind
    echo 0000:01:00.0 > /sys/bus/pci/drivers_probe
    udevadm settle
    modprobe -r pci-stub; modprobe -r vfio-pci; modprobe -r vfio_iommu_type1; true`;
  await lab.root(back, { check: true });
});

section("a virtual function, while its neighbour and the physical function stay with the host", async (lab) => {
  const pf = (await lab.root(`basename $(dirname $(ls -d ${devices}/*/sriov_numvfs | head -n 1))`)).stdout.trim();
  await lab.root(`echo 2 > ${devices}/${pf}/sriov_numvfs; udevadm settle`, { check: true });
  const vf = (await lab.root(`basename $(readlink ${devices}/${pf}/virtfn0)`)).stdout.trim();
  await lendAndTakeBack(lab, "true", [lend(vf.replace(/^0000:/, ""))], [0], async () => {
    const { stdout } = await lab.root(`basename $(readlink ${devices}/${vf}/driver)`);
    assert.equal(stdout, "vfio-pci\n");
  });
  await lab.root(`echo 0 > ${devices}/${pf}/sriov_numvfs; udevadm settle`, { check: true });
});
