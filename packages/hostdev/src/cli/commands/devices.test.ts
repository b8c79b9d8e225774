// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine, labMachine, noIommuMachine } from "../../../test/fake-host/index.ts";
import { smallMachine } from "../../../test/golden/topology/machines.ts";
import { runHostdev } from "../../../test/run-hostdev.ts";
import { cellWidth } from "../cell-width.ts";

const lineOf = (text: string, address: string) => text.split("\n").find((line) => line.includes(` ${address} `)) ?? "";
const addressesIn = (text: string) => [...text.matchAll(/^\S+ +([0-9a-f]{4,}:\S+)/gm)].map(([, address]) => address);

test("devices: one word of verdict for each state", async () => {
  const { stdout } = await runHostdev(smallMachine(), ["devices"]);
  const wanted = {
    "0000:00:00.0": "part of the platform",
    "0000:00:01.0": "in use by host: boot VGA",
    "0000:00:02.0": "bridge",
    "0000:00:1f.3": "no IOMMU group",
    "0000:01:00.0": "ready",
    "0000:02:00.0": "on vfio, not lent",
    "0000:04:01.0": "blocked by 0000:04:03.0 (snd_ens1370)",
    "0000:04:02.0": "held",
    "0000:06:00.0": "lent to bea",
  };
  for (const [address, verdict] of Object.entries(wanted))
    assert.ok(lineOf(stdout, address).includes(`  ${verdict}  `), address);
  const free = await runHostdev(labMachine().build().open("alex"), ["devices"]);
  assert.match(lineOf(free.stdout, "0000:01:00.0"), /^11 .* e1000e +enp1s0 +grantable +Ethernet controller: /);
});

test("devices: lines fit terminals of 80 and of 120 columns, with verdict and name in them", async () => {
  for (const width of [80, 120]) {
    const { stdout } = await runHostdev(smallMachine(), ["devices"], { width });
    for (const line of stdout.split("\n")) assert.ok(cellWidth(line) <= width, line);
    assert.match(lineOf(stdout, "0000:04:01.0"), /blocked by 0000:04:03/);
    assert.match(lineOf(stdout, "0000:01:00.0"), / ready +82574L/);
  }
});

test("devices: each filter alone, and all together", async () => {
  const host = smallMachine();
  const list = async (...words: string[]) => addressesIn((await runHostdev(host, ["devices", ...words])).stdout);
  assert.deepEqual(await list("--grantable"), ["0000:01:00.0", "0000:05:10.0", "0000:05:10.2", "0000:05:10.4"]);
  assert.deepEqual(await list("--class", "0108"), ["0000:02:00.0"]);
  assert.deepEqual(await list("--class", "0x0108"), ["0000:02:00.0"]);
  assert.deepEqual(await list("--class", "NVMe"), ["0000:02:00.0"]);
  assert.deepEqual(await list("--driver", "pci-stub"), ["0000:04:02.0"]);
  assert.deepEqual(await list("--driver", "none", "--group", "13"), ["0000:03:00.0"]);
  assert.deepEqual(await list("--group", "13", "--class", "0200", "--driver", "e1000"), ["0000:04:01.0"]);
  assert.equal((await runHostdev(host, ["devices", "--group", "99"])).stdout, "No device matches.\n");
});

test("devices: a group that is no number is refused", async () => {
  const { status, stderr } = await runHostdev(smallMachine(), ["devices", "--group", "x"]);
  assert.equal(status, 2);
  assert.match(stderr, /Cannot take "x" as group/);
});

test("devices --long: override, NUMA node, owner of the node and uses, uncut on any terminal", async () => {
  const { stdout } = await runHostdev(smallMachine(), ["devices", "--long"], { width: 80 });
  assert.match(stdout, /^GROUP +ADDRESS +DRIVER +OVERRIDE +NUMA +HOST NAME +NODE OF +VERDICT +DEVICE +USED FOR$/m);
  assert.match(lineOf(stdout, "0000:01:00.0"), / vfio-pci +vfio-pci +\S+ +- +alex +ready /);
  assert.match(lineOf(stdout, "0000:00:01.0"), /boot VGA/);
});

test("devices: a machine without IOMMU says so of each device", async () => {
  const { stdout } = await runHostdev(noIommuMachine().open(), ["devices"]);
  assert.match(lineOf(stdout, "0000:01:00.0"), /^- .* no IOMMU group/);
});

test("devices: a function that sysfs does not let be read is told, not left out silently", async () => {
  const host = labMachine().build().open("alex");
  const path = "/sys/bus/pci/devices/0000:01:00.0/uevent";
  host.machine.failOn({ operation: "readText", path, errno: "EACCES" });
  const { stdout, stderr, status } = await runHostdev(host, ["devices"]);
  assert.equal(status, 0);
  assert.equal(lineOf(stdout, "0000:01:00.0"), "");
  assert.equal(stderr, "hostdev: not in the list, since sysfs cannot be read: 0000:01:00.0\n");
  const json = JSON.parse((await runHostdev(host, ["devices", "--json"])).stdout);
  assert.deepEqual(json.unreadable, ["0000:01:00.0"]);
});

test("groups: members aligned, what holds of the group beside its number, filters by member", async () => {
  const host = smallMachine();
  const { stdout } = await runHostdev(host, ["groups"], { width: 100 });
  assert.match(stdout, /^group 11: \/dev\/vfio\/11 belongs to alex$/m);
  assert.match(stdout, /^group 13: 3 devices that are lent or held together$/m);
  assert.match(stdout, /^ {2}0000:04:01\.0 +e1000 +enp4s1 +blocked by /m);
  for (const line of stdout.split("\n")) assert.ok(cellWidth(line) <= 100, line);
  const nvme = await runHostdev(host, ["groups", "--class", "0108"]);
  assert.deepEqual(nvme.stdout.match(/^group \d+/gm), ["group 12"]);
  assert.equal((await runHostdev(host, ["groups", "99"])).stdout, "There is no IOMMU group 99.\n");
  assert.equal((await runHostdev(host, ["groups", "11", "--driver", "x"])).stdout, "No group matches.\n");
  assert.equal((await runHostdev(noIommuMachine().open(), ["groups"])).stdout, "This machine has no IOMMU groups.\n");
});

test("lists are in address order, domains above 0xffff last", async () => {
  const machine = fakeMachine().function("10000:e0:06.0", {}).function("2000:00:01.0", {}).build();
  const { stdout } = await runHostdev(machine.open(), ["devices", "--json"]);
  const addresses = JSON.parse(stdout).devices.map(({ address }: { address: string }) => address);
  assert.deepEqual(addresses, ["0000:00:00.0", "2000:00:01.0", "10000:e0:06.0"]);
});
