// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunningCommand } from "../src/channel/command.ts";
import type { Lab } from "../src/lab.ts";
import { fullZoo } from "../src/machine/zoo.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const { section } = labScenario({ topology: fullZoo });
const nic = "0000:01:00.0";
const sysfs = "/sys/bus/pci/devices";
const grant = "hostdev-admin grant 01:00.0 --to alex --memory 256MiB";
let before: Snapshot;

const driver = async (lab: Lab, address: string) =>
  (await lab.root(`basename $(readlink ${sysfs}/${address}/driver || echo none)`)).stdout.trim();

/** Starts alex's VM with a device, and waits until its guest has done its work and waits for orders. */
async function startVm(lab: Lab, name: string, address: string): Promise<RunningCommand> {
  await writeFile(join(lab.exchangeDirectory, `${name}.xml`), guestXml({ name, devices: [address], mode: "stay" }));
  const vm = lab.spawn("alex", `hostdev run /opt/lab/exchange/${name}.xml`, { login: true });
  const deadline = Date.now() + 90_000;
  while (!vm.stdout.includes("guest: waiting")) {
    assert.ok(Date.now() < deadline, `the guest does not come up: ${vm.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return vm;
}

section("the machine before", async (lab) => {
  await lab.root("modprobe igbvf; ip link set enp5s0 up", { check: true }); // as udev and an administrator would
  before = await takeSnapshot(lab);
});

section("a VM that has the device: refused, waited for in vain with all as it was, and ended", async (lab) => {
  await lab.root(grant, { check: true, timeoutMs: 60_000 });
  const vm = await startVm(lab, "stay-guest", nic);
  const refused = await lab.root("hostdev-admin revoke 01:00.0");
  assert.equal(refused.code, 7, refused.stdout);
  assert.match(refused.stderr, /process \d+ of alex \(VM "stay-guest"\)/);

  const tired = await lab.root("hostdev-admin revoke 01:00.0 --wait 2s", { timeoutMs: 60_000 });
  assert.equal(tired.code, 7, tired.stdout);
  assert.match(tired.stdout, /waiting for process \d+ of alex \(VM "stay-guest"\)/);
  assert.equal(
    (await lab.root(`stat -c %U /dev/vfio/$(basename $(readlink ${sysfs}/${nic}/iommu_group))`)).stdout,
    "alex\n",
  );
  assert.match((await lab.root("hostdev-admin grants")).stdout, /0000:01:00\.0 +alex +active/);

  // The kernel itself tells who resets what: dd is how a revoke writes to it.
  const tracing = "/sys/kernel/tracing";
  const probe = `mountpoint -q ${tracing} || mount -t tracefs tracefs ${tracing}; cd ${tracing}; echo > trace
    echo 'p:hostdev_reset __pci_reset_function_locked' > kprobe_events && echo 1 > events/kprobes/hostdev_reset/enable`;
  await lab.root(probe, { check: true });
  const ended = await lab.root("hostdev-admin revoke 01:00.0 --wait 1s --kill", { timeoutMs: 90_000 });
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  assert.match(ended.stdout, /SIGTERM to process \d+ of alex/);
  await vm.result;
  const { stdout: trace } = await lab.root(
    `cd ${tracing}; cat trace; echo 0 > events/kprobes/hostdev_reset/enable; echo > kprobe_events`,
  );
  assert.match(trace, /^ *dd-\d+ .*hostdev_reset/m);
  assert.equal(await driver(lab, nic), "e1000e");
});

section("a device that does not come back clean: quarantine, off the bus, until it is trusted", async (lab) => {
  await lab.root(grant, { check: true, timeoutMs: 60_000 });
  // Its ways to be reset are switched off, and a user left it a bus master.
  const spoil = `echo > ${sysfs}/${nic}/reset_method; printf '\\7' | dd of=${sysfs}/${nic}/config bs=1 seek=4 conv=notrunc status=none`;
  await lab.root(spoil, { check: true });
  const command = `od -An -tx1 -j4 -N1 ${sysfs}/${nic}/config`;
  assert.equal((await lab.root(command)).stdout.trim(), "07");
  const taken = await lab.root("hostdev-admin revoke 01:00.0", { timeoutMs: 60_000 });
  assert.equal(taken.code, 0, taken.stderr);
  assert.match(taken.stderr, /0000:01:00\.0 is in quarantine, on pci-stub: it cannot be reset/);
  assert.equal(await driver(lab, nic), "pci-stub");
  assert.equal((await lab.root(command)).stdout.trim(), "03"); // no longer a bus master

  assert.match((await lab.root("hostdev-admin grants")).stdout, /0000:01:00\.0 +held .* alex +it cannot be reset/);
  assert.match(
    (await lab.alex("hostdev devices --class 0200")).stdout,
    /0000:01:00\.0 .*in quarantine: it cannot be reset/,
  );
  const again = await lab.root(grant);
  assert.equal(again.code, 4, again.stdout);
  assert.match(again.stderr, /release 0000:01:00\.0 --trust/);
  assert.equal((await lab.root("hostdev-admin release 01:00.0")).code, 4);

  await lab.root(`echo default > ${sysfs}/${nic}/reset_method`, { check: true });
  const { stdout } = await lab.root("hostdev-admin release 01:00.0 --trust", { check: true, timeoutMs: 60_000 });
  assert.match(stdout, /back with the host \(e1000e\), after a reset/);
});

section("a held mate that somebody puts on vfio-pci is told of, and comes back with the rest", async (lab) => {
  const lend = "hostdev-admin grant 04:02.0 --to alex --memory 256MiB --hold-mates --accept-no-reset";
  await lab.root(lend, { check: true, timeoutMs: 90_000 });
  const mate = "0000:04:03.0";
  const widen = `echo vfio-pci > ${sysfs}/${mate}/driver_override; echo ${mate} > ${sysfs}/${mate}/driver/unbind; echo ${mate} > /sys/bus/pci/drivers_probe`;
  await lab.root(widen, { check: true });
  const { stderr } = await lab.root("hostdev-admin grants", { check: true });
  assert.match(stderr, /0000:04:03\.0 came onto vfio-pci: alex, who has 0000:04:02\.0/);
  const doctor = await lab.root("hostdev doctor", { timeoutMs: 60_000 });
  assert.match(doctor.stdout, /FAIL +0000:04:03\.0 came onto vfio-pci/);
  await lab.root("hostdev-admin revoke 04:02.0", { check: true, timeoutMs: 90_000 });
  assert.equal(await driver(lab, mate), "snd_ens1370");
});

section("a virtual function: made, lent with a MAC address, used by alex's VM, taken back, and gone", async (lab) => {
  const igb = "0000:05:00.0";
  const vf = "0000:05:10.0";
  const mac = "52:54:00:aa:bb:01";
  const lend = `hostdev-admin grant 05:00.0 --to alex --memory 256MiB --create-vfs 2 --mac ${mac}`;
  const plan = await lab.root(`${lend} --dry-run`, { check: true });
  assert.match(plan.stdout, /make 2 virtual functions of 0000:05:00\.0/);
  const { stdout } = await lab.root(lend, { check: true, timeoutMs: 90_000 });
  assert.match(stdout, /0000:05:10\.0 \(virtual function 0 of 0000:05:00\.0\)/);
  const others = await lab.root(`cat ${sysfs}/${igb}/sriov_numvfs ${sysfs}/${igb}/sriov_drivers_autoprobe`);
  assert.equal(others.stdout, "2\n1\n");
  assert.equal(await driver(lab, "0000:05:10.2"), "none");
  const physical = await lab.root("hostdev-admin grant 05:00.0 --to blake");
  assert.equal(physical.code, 4, physical.stdout);
  assert.match(physical.stderr, /has 2 virtual functions/);

  // As the interface that libvirt has for it, with a MAC address that is compared: only root can set one.
  const source = "<source><address type='pci' bus='0x05' slot='0x10' function='0x0'/></source>";
  const withMac = (address: string) =>
    guestXml({ name: "vf-guest", devices: [] }).replace(
      "</devices>",
      `<interface type='hostdev'><mac address='${address}'/>${source}</interface></devices>`,
    );
  await writeFile(join(lab.exchangeDirectory, "other-mac.xml"), withMac("52:54:00:aa:bb:99"));
  const foretold = await lab.alex("hostdev check /opt/lab/exchange/other-mac.xml", { login: true });
  assert.equal(foretold.code, 1, foretold.stdout);
  assert.match(foretold.stdout, new RegExp(`${vf} the MAC address .*: it has ${mac}, and only root can set it`));
  await writeFile(join(lab.exchangeDirectory, "vf.xml"), withMac(mac));
  const vm = await lab.alex("hostdev run /opt/lab/exchange/vf.xml", { login: true, timeoutMs: 120_000 });
  assert.equal(vm.code, 0, vm.stdout + vm.stderr);
  assert.match(vm.stdout, new RegExp(`mac=${mac}`));
  assert.match(vm.stdout, /got arp reply 10\.0\.2\.2/);

  await lab.root("hostdev-admin revoke 05:10.0", { check: true, timeoutMs: 90_000 });
  assert.equal((await lab.root(`cat ${sysfs}/${igb}/sriov_numvfs`)).stdout, "0\n");
});

section("a virtual function that was there stays, with the MAC address that it had", async (lab) => {
  const numvfs = `${sysfs}/0000:05:00.0/sriov_numvfs`;
  await lab.root(`echo 1 > ${numvfs}; udevadm settle; ip link set enp5s0 vf 0 mac 52:54:00:aa:bb:02`, { check: true });
  const there = await takeSnapshot(lab);
  const settings = "ip link show dev enp5s0 | grep -w 'vf 0'";
  const was = (await lab.root(settings, { check: true })).stdout;
  const lend = "hostdev-admin grant 05:00.0 --to alex --memory 256MiB --vf any --mac 52:54:00:aa:bb:03 --vlan 7";
  await lab.root(lend, { check: true, timeoutMs: 90_000 });
  assert.match((await lab.root(settings)).stdout, /52:54:00:aa:bb:03.*vlan 7/);
  await lab.root("hostdev-admin revoke 05:10.0", { check: true, timeoutMs: 90_000 });
  assert.equal((await lab.root(settings)).stdout, was);
  assert.deepEqual(diffSnapshots(there, await takeSnapshot(lab)), []);
  await lab.root(`echo 0 > ${numvfs}; udevadm settle`, { check: true });
});

section("everything is as it was before all of that", async (lab) => {
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
});
