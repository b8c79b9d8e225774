// SPDX-License-Identifier: Apache-2.0

/**
 * virsh talks to libvirt's own daemon while we listen: whatever either of them says, our codecs read it and write it
 * again byte by byte. With UPDATE_GOLDEN=1 one packet of each kind is kept for machines without libvirt.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { assertSameBytes, codecOf } from "../../rpc-packets.ts";
import { packageRoot } from "../../style/source-tree.ts";
import { testCard, testDomain, testGuest } from "../domains.ts";
import { lacks, skippedWhenQuick, startLibvirtd, TestUser } from "../programs.ts";
import { Eavesdropper, type OverheardPacket } from "./conversation.ts";

const skip =
  skippedWhenQuick ||
  lacks("virsh", "libvirt-clients") ||
  lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");

/** Every kind of call that virsh makes, with its answers and errors. */
const script = [
  "version",
  "hostname",
  "nodeinfo",
  "nodememstats",
  "nodecpustats",
  "nodecpumap",
  "freecell",
  "sysinfo",
  "maxvcpus",
  "domcapabilities",
  "nodedev-list --tree",
  "nodedev-info pci_0000_00_00_0",
  "nodedev-dumpxml computer",
  "nodedev-detach computer",
  "nodedev-detach computer --driver vfio",
  "nodedev-reattach computer",
  "nodedev-reset computer",
  "net-list --all",
  "pool-list --all",
  "iface-list --all",
  "secret-list",
  "nwfilter-list",
  "dominfo nobody",
  "define FOLDER/vm.xml",
  "define --validate FOLDER/vm.xml",
  "dominfo vm",
  "list --all --title",
  "domid vm",
  "vcpucount vm",
  "desc vm --config text",
  "metadata vm urn:x",
  "autostart vm",
  "domrename vm other",
  "domrename other vm",
  "snapshot-list vm",
  "start vm --paused",
  "resume vm",
  "domcontrol vm",
  "domstats vm",
  "dommemstat vm",
  "vcpuinfo vm",
  "domifaddr vm --source arp",
  "schedinfo vm",
  "attach-device vm FOLDER/card.xml --live",
  "update-device vm FOLDER/card.xml --live",
  "detach-device vm FOLDER/card.xml --config",
  "suspend vm",
  "reset vm",
  "reboot vm",
  "shutdown vm",
  "setmem vm 65536",
  "setvcpus vm 1",
  "domjobinfo vm",
  "managedsave-remove vm",
  "destroy vm",
  "start vm",
  "destroy vm",
  "undefine vm",
  "create FOLDER/vm.xml",
  "destroy vm",
  "pool-define-as pool dir --target FOLDER/pool",
  "pool-build pool",
  "pool-start pool",
  "pool-refresh pool",
  "pool-autostart pool",
  "pool-info pool",
  "pool-dumpxml pool",
  "pool-list --all --details",
  "vol-create-as pool a 1M",
  "vol-clone a b --pool pool",
  "vol-resize a 2M --pool pool",
  "vol-info a --pool pool",
  "vol-dumpxml a --pool pool",
  "vol-key a --pool pool",
  "vol-path FOLDER/pool/a",
  "vol-pool FOLDER/pool/a",
  "vol-list pool --details",
  "vol-delete a --pool pool",
  "pool-capabilities",
  "pool-destroy pool",
  "pool-delete pool",
  "pool-undefine pool",
  "pool-create-as pool dir --target FOLDER/pool",
  "pool-destroy pool",
  ...["define FOLDER/guest.xml", "vcpupin vm", "emulatorpin vm", "iothreadinfo vm", "start vm", "setvcpus vm 2"],
  ...["setmaxmem vm 1", "vcpupin vm 0 0", "emulatorpin vm 0", "setvcpu vm 1 --enable", "iothreadadd vm 1"],
  ...["iothreadinfo vm", "iothreaddel vm 1", "domblkstat vm vda", "domblkinfo vm vda", "domblkerror vm"],
  ...["blkdeviotune vm vda --total-iops-sec 9", "blkdeviotune vm vda", "domblkthreshold vm vda 9", "blockjob vm vda"],
  ...["blockresize vm vda 16M", "domifstat vm x", "domiftune vm 52:54:00:00:00:aa", "numatune vm", "perf vm"],
  ...[
    "memtune vm",
    "blkiotune vm",
    "cpu-stats vm",
    "send-key vm KEY_A",
    "inject-nmi vm",
    "screenshot vm FOLDER/home/x",
  ],
  ...[
    "domjobinfo vm",
    "domjobabort vm",
    "domtime vm",
    "domfsinfo vm",
    "domfsfreeze vm",
    "domfsthaw vm",
    "domfstrim vm",
  ],
  ...["domhostname vm", "guestinfo vm", "guestvcpus vm", "set-user-password vm a b", "get-user-sshkeys vm a"],
  ...["dompmsuspend vm mem", "dompmwakeup vm", "domdirtyrate-calc vm", "domlaunchsecinfo vm", "checkpoint-list vm"],
  ...["qemu-monitor-command vm query-status", "qemu-agent-command vm {}", "freepages --all", "node-memory-tune"],
  ...["dominfo vm", "change-media vm sda --eject", "domstats vm", "destroy vm", "undefine vm"],
] as const;

test("our codecs write what libvirt's own client and daemon write, byte by byte", {
  skip,
  timeout: 120_000,
}, async () => {
  const user = new TestUser();
  after(() => user.remove());
  const { socket } = await startLibvirtd(user);
  for (const [name, text] of Object.entries({ "vm.xml": testDomain, "card.xml": testCard, "guest.xml": testGuest })) {
    writeFileSync(join(user.folder, name), text.replaceAll("FOLDER", user.folder));
  }
  for (const [name, sizeBytes] of Object.entries({ "disk.img": 8 << 20, "cd.iso": 65_536 })) {
    writeFileSync(join(user.folder, name), Buffer.alloc(sizeBytes));
    user.own(join(user.folder, name));
  }
  const path = join(user.folder, "between");
  const eavesdropper = new Eavesdropper(path, socket);
  const uri = `qemu+unix:///session?socket=${path}`;
  const listener = user.start("virsh", ["-c", uri, "event --all --loop --timeout 60"]);
  const others = ["lifecycle", "refresh"].map((event) =>
    user.start("virsh", ["-c", uri, `pool-event --event ${event} --loop --timeout 60`]),
  );
  const virsh = user.start("virsh", ["-c", uri]);
  virsh.child.stdout?.resume();
  virsh.child.stdin?.end(`${script.join("\n").replaceAll("FOLDER", user.folder)}\n`);
  await new Promise((resolve) => virsh.child.once("exit", resolve));
  for (const { child } of [listener, ...others]) child.kill("SIGINT");
  eavesdropper.close();
  let checked = 0;
  const kept = new Map<string, OverheardPacket>();
  for (const overheard of eavesdropper.packets) {
    const codec = codecOf(overheard.packet);
    if (codec === undefined) continue;
    assertSameBytes(overheard.bytes, overheard.packet, codec);
    checked += 1;
    const { program, procedure, type, status } = overheard.packet.header;
    const kind = `${program} ${procedure} ${type} ${status}`;
    const isFuller = overheard.bytes.length > (kept.get(kind)?.bytes.length ?? 0);
    if (overheard.bytes.length < 3000 && isFuller) kept.set(kind, overheard);
  }
  assert.ok(checked > 300, `only ${checked} packets were overheard`);
  if (process.env["UPDATE_GOLDEN"]) writeGolden([...kept.values()]);
});

function writeGolden(packets: readonly OverheardPacket[]): void {
  const folder = join(packageRoot, "test/golden/rpc");
  const lines = packets.map(({ from, bytes }) => `${from} ${bytes.toString("hex")}\n`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "packets.txt"), lines.sort().join(""));
}
