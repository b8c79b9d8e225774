// SPDX-License-Identifier: Apache-2.0

/*
 * Node devices as libvirt shows them: on one machine, for the same user, `hostdev nodedev-list` and `nodedev-dumpxml` say
 * the same as the real virsh, byte for byte.
 */

import assert from "node:assert/strict";
import type { LabUser } from "../src/channel/protocol.ts";
import type { Lab } from "../src/lab.ts";
import { fullZoo } from "../src/machine/zoo.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../src/snapshot.ts";

const { section } = labScenario({ topology: fullZoo });

const uris = { alex: "qemu:///session", root: "qemu:///system" } as const;
type Who = keyof typeof uris;

/** A session daemon that virsh starts itself is often too late in emulation; so both are started by hand. */
const startDaemons = `
  systemctl start libvirtd
  loginctl enable-linger alex
  until [ -S /run/user/1000/bus ]; do sleep 0.2; done
  setpriv --reuid=alex --regid=alex --init-groups env HOME=/home/alex XDG_RUNTIME_DIR=/run/user/1000 libvirtd -d -t 0
  until [ -S /run/user/1000/libvirt/libvirt-sock ]; do sleep 0.2; done
  virsh -c qemu:///system nodedev-list > /dev/null`;

const stopDaemons = `
  pkill -u alex -x libvirtd
  systemctl stop libvirtd.socket libvirtd-ro.socket libvirtd-admin.socket libvirtd
  loginctl disable-linger alex`;

async function run(lab: Lab, user: LabUser, script: string): Promise<string> {
  const prefix = "export XDG_RUNTIME_DIR=/run/user/$(id -u)\n";
  return (await lab.as(user, prefix + script, { check: true, timeoutMs: 180_000 })).stdout;
}

/** What a command of virsh prints, without the empty line that it puts behind everything. */
async function virsh(lab: Lab, who: Who, command: string): Promise<string> {
  return (await run(lab, who, `virsh -c ${uris[who]} ${command}`)).replace(/\n$/, "");
}

/** Splits what describes several devices. The machine's UUID is made up by each libvirtd where the firmware has none. */
function documents(text: string): readonly string[] {
  const comparable = text.replace(/<uuid>(?=.*<\/uuid>\n {4}<\/hardware>).*<\/uuid>/, "<uuid>made up</uuid>");
  return comparable.split(/^(?=<device>$)/m).map((document) => document.trimEnd());
}

/** Kinds of devices that the zoo lacks: SCSI by three ways, media, graphics, virtual functions, interfaces of no device. */
async function addDevices(lab: Lab): Promise<void> {
  const blockdev = (name: string, options = {}) =>
    lab.qmp("blockdev-add", { driver: "null-co", "node-name": name, size: 10 << 20, "read-zeroes": true, ...options });
  await blockdev("disk0");
  await blockdev("stick0");
  await blockdev("cd0", { "read-only": true });
  await lab.qmp("device_add", { driver: "virtio-scsi-pci", id: "scsi0", bus: "empty0" });
  await lab.qmp("device_add", { driver: "scsi-hd", id: "hd0", bus: "scsi0.0", drive: "disk0", serial: "S<1>&x" });
  await lab.qmp("device_add", { driver: "scsi-cd", id: "full-cd", bus: "scsi0.0", drive: "cd0" });
  await lab.qmp("device_add", { driver: "scsi-cd", id: "empty-cd", bus: "scsi0.0" });
  await lab.qmp("device_add", { driver: "usb-storage", id: "stick", bus: "usb.0", drive: "stick0", removable: true });
  await run(
    lab,
    "root",
    `modprobe -a scsi_debug sg sr_mod vgem dummy loop
     ip link add dummy0 type dummy
     ip link add bridge0 type bridge
     echo 2 > /sys/bus/pci/devices/0000:05:00.0/sriov_numvfs
     until [ -e /sys/block/sr1 ] && [ -e /sys/class/scsi_generic/sg4 ]; do sleep 0.2; done
     udevadm settle`,
  );
}

/** Compares everything and says how many devices there were. */
async function compare(lab: Lab, who: Who): Promise<void> {
  const list = await virsh(lab, who, "nodedev-list");
  assert.equal(await run(lab, who, "hostdev nodedev-list"), list);
  assert.equal(await run(lab, who, "hostdev nodedev-list --tree"), await virsh(lab, who, "nodedev-list --tree"));
  const cap = "nodedev-list --cap net,usb,fc_host,mdev_types,scsi_generic";
  assert.equal(await run(lab, who, `hostdev ${cap}`), await virsh(lab, who, cap));
  const names = list.trim().split("\n");
  const theirs = documents(await virsh(lab, who, `'${names.map((name) => `nodedev-dumpxml ${name}`).join(";")}'`));
  const ours = documents(await run(lab, who, `hostdev nodedev-dumpxml --strict-libvirt ${names.join(" ")}`));
  assert.equal(theirs.length, names.length);
  for (const [index, name] of names.entries()) assert.equal(ours[index], theirs[index], name);
  console.log(`nodedev: ${names.length} of ${names.length} devices are the same for ${who}`);
}

let before: Snapshot;

// Devices first: a port's link changes with what is plugged in below it, and libvirt keeps what it saw at its start.
section("devices of all kinds are there, and alex and root each have a libvirt that sees them", async (lab) => {
  before = await takeSnapshot(lab);
  await addDevices(lab);
  await run(lab, "root", startDaemons);
  for (const who of ["alex", "root"] as const) {
    const seen = `virsh -c ${uris[who]} nodedev-list | grep -q`;
    const names = "scsi_generic_sg4 block_sr1 drm_card0 pci_0000_05_10_2";
    await run(lab, who, `for name in ${names}; do until ${seen} $name; do sleep 0.5; done; done`);
  }
  const { devices } = JSON.parse(await run(lab, "alex", "hostdev nodedev-list --json")) as {
    readonly devices: readonly { readonly capabilities: readonly string[] }[];
  };
  const present = new Set(devices.flatMap(({ capabilities }) => capabilities));
  const wanted = ["drm", "net", "pci", "scsi", "scsi_generic", "scsi_host", "scsi_target", "storage", "system", "usb"];
  assert.deepEqual([...present].sort(), [...wanted, "usb_device"]);
});

for (const who of ["alex", "root"] as const) {
  section(`${who} sees the same devices as with virsh`, (lab) => compare(lab, who));
}

section("by default alex sees bridges and links besides, and nothing else is different", async (lab) => {
  const dump = async (who: Who, options = "") =>
    (await run(lab, who, `hostdev nodedev-dumpxml ${options} $(hostdev nodedev-list --cap pci)`)).split("\n");
  const [strict, all, root] = [await dump("alex", "--strict-libvirt"), await dump("alex"), await dump("root")];
  const isAddition = (line: string) => /<capability type='pci-bridge'\/>|<link validity|pci-express/.test(line);
  assert.deepEqual(
    all.filter((line) => !isAddition(line)),
    strict,
  );
  assert.deepEqual(
    all,
    root.map((line) => line.replace(/ port='\d+'/, "")),
    "root sees the same, and the links' ports",
  );
});

section("how long it takes, beside virsh with its daemon running", async (lab) => {
  const commands = ["nodedev-list", "nodedev-dumpxml pci_0000_01_00_0"].flatMap((command) => [
    `hostdev ${command}`,
    `virsh -c qemu:///session ${command}`,
  ]);
  for (const command of ["node -e 0", ...commands]) {
    const times: number[] = [];
    for (let i = 0; i < 2; i++) times.push((await lab.alex(`export XDG_RUNTIME_DIR=/run/user/1000; ${command}`)).ms);
    console.log(`nodedev: ${String(Math.min(...times)).padStart(6)} ms  ${command}`);
  }
});

section("the machine is as before", async (lab) => {
  for (const id of ["stick", "hd0", "full-cd", "empty-cd", "scsi0"]) await lab.qmp("device_del", { id });
  await run(
    lab,
    "root",
    `echo 0 > /sys/bus/pci/devices/0000:05:00.0/sriov_numvfs
     ip link del dummy0
     ip link del bridge0
     until [ ! -e /sys/block/sr0 ]; do sleep 0.2; done
     udevadm settle
     modprobe -r scsi_debug vgem dummy
     ${stopDaemons}`,
  );
  // libvirtd writes into its own /etc/libvirt when it starts for the first time.
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab), [/^module/, /\/etc\/libvirt\//]), []);
});
