// SPDX-License-Identifier: Apache-2.0

/** Every way to fail that can be known beforehand, each alone on a machine where the VM would start. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attribute } from "../../test/fake-host/nodes.ts";
import { installQemu, nic, type Row, readyMachine, xmlOf } from "../../test/session/ready-machine.ts";
import { hasFailure } from "../core/finding.ts";
import { readVm, vmNeeds } from "./plan-launch.ts";
import { preflight } from "./preflight.ts";

async function findings({ arrange, parts, probesQemu = false }: Omit<Row, "code">) {
  const { machine, host } = await readyMachine();
  arrange?.(machine, host);
  return preflight(host, vmNeeds(readVm(host, xmlOf(parts ?? {}), "vm.xml")), { probesQemu });
}

test("preflight() raises no false alarm", async () => {
  assert.deepEqual(
    (await findings({ probesQemu: true })).filter(({ level }) => level !== "ok"),
    [],
  );
});

test("preflight() warns, and no more, where interrupts are not remapped and the kernel was told to lend all the same", async () => {
  const found = await findings({
    arrange: ({ fs }) => {
      fs.add("/proc/interrupts", attribute("0: 1 IO-APIC 2-edge timer"));
      fs.add("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", attribute("Y"));
    },
  });
  assert.deepEqual(
    found.filter(({ level }) => level !== "ok").map(({ level, code }) => [level, code]),
    [["warning", "HD_UNSAFE_SWITCH"]],
  );
});

const group11 = "/sys/kernel/iommu_groups/11";
const disk = (body: string) => `<disk type='file'>${body}<target dev='vda'/></disk>`;

const rows: Readonly<Record<string, Row>> = {
  "a host driver has the device": { arrange: (m) => m.rebind(nic, undefined), code: "HD_NOT_ON_VFIO" },
  "the device is held on pci-stub": { arrange: (m) => m.rebind(nic, "pci-stub"), code: "HD_NOT_ON_VFIO" },
  "interrupts are not remapped": {
    arrange: (m) => m.fs.add("/proc/interrupts", attribute("0: 1 IO-APIC 2-edge timer")),
    code: "HD_INTERRUPT_REMAPPING_OFF",
  },
  "a mate has a host driver": { parts: { device: "0000:04:02.0" }, code: "HD_GROUP_NOT_VIABLE" },
  "there is no node": { parts: { device: "0000:05:00.0" }, code: "HD_NODE_MISSING" },
  "the node is somebody else's": {
    arrange: (m) => m.open().setOwnership("/dev/vfio/11", { uid: 1001, gid: 0, mode: 0o600 }),
    code: "HD_NODE_NOT_ACCESSIBLE",
  },
  "something else forbids the node": {
    arrange: (m) => m.failOn({ operation: "tryOpen", path: "/dev/vfio/11", errno: "EPERM" }),
    code: "HD_NODE_FORBIDDEN",
  },
  "another user's process holds the group": {
    arrange: (m) => void m.holdGroup(m.process({ user: "root", comm: "qemu-system-x86" }), 11),
    code: "HD_NODE_BUSY",
  },
  "an own VM holds the group": {
    arrange: (m) =>
      void m.holdGroup(m.process({ user: "alex", comm: "qemu", cmdline: ["qemu", "-name", "guest=other"] }), 11),
    code: "HD_GROUP_HELD",
    text: /VM "other"/,
  },
  "the container's node is root's": {
    arrange: (m) => m.open().setOwnership("/dev/vfio/vfio", { uid: 0, gid: 0, mode: 0o600 }),
    code: "HD_CONTAINER_NOT_ACCESSIBLE",
  },
  "the device is gone": { parts: { device: "0000:77:00.0" }, code: "HD_DEVICE_NOT_FOUND" },
  "a bridge was chosen": { parts: { device: "0000:00:02.0" }, code: "HD_IS_BRIDGE" },
  "the device does not answer": {
    arrange: (m) => void m.function(nic).config.fill(0xff),
    code: "HD_DEVICE_INSANE",
  },
  "the firmware keeps the device": {
    arrange: (m) => m.fs.add(`${group11}/reserved_regions`, attribute("0x00000000bdf00000 0x00000000bdffffff direct")),
    code: "HD_FIRMWARE_RESERVED",
  },
  "the IOMMU has too few bits": {
    arrange: (m) => {
      // 39 bits, as of QEMU's own.
      m.fs.add("/sys/devices/virtual/iommu/dmar0/intel-iommu/cap", attribute("260000"));
      m.fs.add("/proc/meminfo", attribute("MemAvailable: 99999999999 kB\n"));
    },
    parts: { memory: "<memory unit='GiB'>8192</memory>" },
    code: "HD_IOMMU_TOO_NARROW",
  },
  "its physical function is with a user too": {
    arrange: (m) => {
      m.rebind("0000:05:00.0", "vfio-pci");
      m.fs.add(`${m.function("0000:05:00.0").path}/sriov_numvfs`, attribute("1"));
    },
    parts: { device: "0000:05:00.0" },
    code: "HD_VF_TOKEN",
  },
  "one group would be in two address spaces": {
    parts: {
      body: "<features><ioapic driver='qemu'/></features>",
      type: "kvm",
      devices:
        "<hostdev type='pci'><source><address bus='4' slot='1'/></source><address type='pci' bus='1'/></hostdev>" +
        "<hostdev type='pci'><source><address bus='4' slot='2'/></source><address type='pci' bus='2'/></hostdev>" +
        "<iommu model='intel'><driver intremap='on' caching_mode='on'/></iommu>",
    },
    code: "HD_GROUP_SPLIT",
  },
  "the hard limit is too low": {
    parts: { memory: "<memory unit='MiB'>1025</memory>" },
    code: "HD_MEMLOCK_TOO_LOW",
    text: /the limit is 1 GiB, but 1027 MiB/,
  },
  "all of QEMU is to be locked": {
    parts: { device: "", body: "<memoryBacking><locked/></memoryBacking>", memory: "<memory unit='GiB'>3</memory>" },
    code: "HD_LOCKED_MEMORY",
    text: /more than 4 GiB, 1 GiB of it for translated code; the limit is 1 GiB/,
  },
  "the memory is not there": {
    arrange: (m) => m.fs.add("/proc/meminfo", attribute("MemAvailable: 65000 kB\nSwapFree: 100 kB")),
    code: "HD_MEMORY_SHORT",
  },
  "the memory is more than there ever is": {
    arrange: (m) => m.fs.add("/proc/meminfo", attribute("MemTotal: 65535 kB\nMemAvailable: 60000 kB")),
    parts: { device: "" },
    code: "HD_MEMORY_SHORT",
  },
  "the memory may be short": {
    arrange: (m) => m.fs.add("/proc/meminfo", attribute("MemTotal: 65537 kB\nMemAvailable: 60000 kB")),
    parts: { device: "" },
    code: "HD_MEMORY_SHORT",
    level: "warning",
  },
  "no more memory may be promised": {
    arrange: (m) => {
      m.fs.add(
        "/proc/meminfo",
        attribute("MemTotal: 99999 kB\nMemAvailable: 9 kB\nCommitLimit: 9 kB\nCommitted_AS: 8 kB"),
      );
      m.fs.add("/proc/sys/vm/overcommit_memory", attribute("2"));
    },
    parts: { device: "" },
    code: "HD_MEMORY_SHORT",
  },
  "there are too few hugepages": {
    arrange: (m) => {
      m.fs.add("/proc/meminfo", attribute("Hugepagesize:       2048 kB\n"));
      m.fs.add("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", attribute("31"));
    },
    parts: { body: "<memoryBacking><hugepages/></memoryBacking>" },
    code: "HD_HUGEPAGES_SHORT",
    text: /31 free hugepages of 2 MiB, and the VM wants 32/,
  },
  "an image is not there": { parts: { devices: disk("<source file='/home/alex/no.img'/>") }, code: "HD_FILE" },
  "an image is somebody else's": {
    arrange: (m) => m.fs.add("/srv/d", { kind: "file", content: "", mode: 0o600, uid: 1001, gid: 1001 }),
    parts: { devices: disk("<source file='/srv/d'/>") },
    code: "HD_FILE",
    text: /you may not write it/,
  },
  "an image is in somebody else's folder": {
    arrange: (m) => {
      m.fs.add("/root/vm/d", { kind: "file", content: "", mode: 0o644, uid: 0, gid: 0 });
      m.open().setOwnership("/root/vm", { uid: 0, gid: 0, mode: 0o700 });
    },
    parts: { devices: disk("<source file='/root/vm/d'/>") },
    code: "HD_FILE",
    text: /you may not write it/,
  },
  "an image is of another format": {
    arrange: (m) => m.fs.add("/srv/d", { kind: "file", content: "MBR", mode: 0o666, uid: 0, gid: 0 }),
    parts: { devices: disk("<driver name='qemu' type='qcow2'/><source file='/srv/d'/>") },
    code: "HD_IMAGE_FORMAT",
  },
  "a socket has no folder": {
    parts: { devices: "<serial type='unix'><source mode='bind' path='/no/such/s.sock'/></serial>" },
    code: "HD_FILE",
    text: /\/no\/such \(serial0\)/,
  },
  "a socket to connect to is not there": {
    parts: { devices: "<serial type='unix'><source mode='connect' path='/run/s.sock'/></serial>" },
    code: "HD_FILE",
  },
  "somebody listens there": {
    arrange: (m) =>
      m.fs.add("/proc/net/tcp", attribute(" sl local_address rem st\n  0: 0100007F:170D 00000000:0000 0A 0")),
    parts: { devices: "<graphics type='vnc' port='5901' autoport='no' listen='127.0.0.1'/>" },
    code: "HD_ADDRESS_IN_USE",
    text: /127.0.0.1:5901 \(vnc\): another program/,
  },
  "there is no QEMU": { arrange: (m) => m.fs.remove("/usr/bin/qemu-system-x86_64"), code: "HD_QEMU_NOT_FOUND" },
  "QEMU is no program": {
    arrange: (m) => m.open().setOwnership("/usr/bin/qemu-system-x86_64", { uid: 0, gid: 0, mode: 0o644 }),
    code: "HD_QEMU_NOT_FOUND",
  },
  "QEMU has not that machine": {
    arrange: (m) => installQemu(m, { "-machine": "Supported machines are:\npc-q35-7.2           Standard\n" }),
    probesQemu: true,
    code: "HD_QEMU_UNABLE",
    text: /no machine q35/,
  },
  "QEMU has not that device": {
    arrange: (m) => installQemu(m, { "-device": 'name "pcie-root-port"\nname "qemu-xhci"\nname "vfio-pci"\n' }),
    probesQemu: true,
    code: "HD_QEMU_UNABLE",
    text: /no device virtio-balloon-pci/,
  },
  "QEMU is older than what the domain wants": {
    arrange: (m) => installQemu(m, { "--version": "QEMU emulator version 7.2.0\n" }),
    parts: { devices: "<sound model='virtio'/>" },
    probesQemu: true,
    code: "HD_DOMAIN_UNSUPPORTED",
  },
  "there is no EFI firmware": {
    parts: { body: "<features><acpi/></features>", os: "<nvram>/home/alex/vars.fd</nvram>", firmware: "efi" },
    probesQemu: true,
    code: "HD_DOMAIN_UNSUPPORTED",
  },
  "the firmware's variables have no template": {
    arrange: (m) => m.fs.add("/fw.fd", { kind: "file", content: "", mode: 0o644, uid: 0, gid: 0 }),
    parts: {
      body: "<features><acpi/></features>",
      os: "<loader readonly='yes' type='pflash'>/fw.fd</loader><nvram>/home/alex/vars.fd</nvram>",
    },
    probesQemu: true,
    code: "HD_FILE",
    text: /no template/,
  },
  "there is no KVM": { parts: { type: "kvm" }, code: "HD_KVM_NOT_ACCESSIBLE", text: /there is none/ },
  "KVM is not the user's": {
    arrange: (m) => m.fs.add("/dev/kvm", { kind: "character-device", mode: 0o660, uid: 0, gid: 108 }),
    parts: { type: "kvm" },
    code: "HD_KVM_NOT_ACCESSIBLE",
    text: /alex may not open it/,
  },
  "QEMU is known to refuse it": {
    parts: {
      devices:
        "<rng model='virtio'><driver iommu='on'/><backend model='builtin'/><address type='pci' bus='0' slot='9'/></rng>",
    },
    code: "HD_DOMAIN_INVALID",
  },
  "a USB device is gone": {
    parts: { devices: "<hostdev type='usb'><source><address bus='1' device='9'/></source></hostdev>" },
    code: "HD_DEVICE_NOT_FOUND",
  },
  "a USB device is not the user's": {
    arrange: (m) => {
      for (const [name, text] of Object.entries({ busnum: "1", devnum: "9", idVendor: "1234", idProduct: "beef" }))
        m.fs.add(`/sys/bus/usb/devices/1-1/${name}`, attribute(text));
      m.fs.add("/dev/bus/usb/001/009", { kind: "character-device", mode: 0o664, uid: 0, gid: 0 });
    },
    parts: { devices: "<hostdev type='usb'><source><vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>" },
    code: "HD_FILE",
    text: /USB device 1234:beef/,
  },
  "a mediated device is gone": {
    parts: {
      devices:
        "<hostdev type='mdev' model='vfio-pci'><source><address uuid='53764d0e-85a0-42b4-af5c-2046b460b1dc'/></source></hostdev>",
    },
    code: "HD_DEVICE_NOT_FOUND",
  },
};

for (const [name, { code, text, level = "failure", ...row }] of Object.entries(rows)) {
  test(`preflight() finds that ${name}`, async () => {
    const all = await findings(row);
    const found = all.filter((finding) => finding.code === code);
    assert.notEqual(found.length, 0, JSON.stringify(all.filter((one) => one.level !== "ok")));
    assert.equal(found[0]?.level, level);
    assert.equal(hasFailure(all), level === "failure");
    if (text !== undefined) assert.match(found.map((finding) => finding.text).join("\n"), text);
    assert.notEqual(found[0]?.fix ?? (code === "HD_FILE" || code === "HD_DOMAIN_INVALID" ? "" : undefined), undefined);
  });
}

test("preflight() tells what only root could have applied, and what is only worth knowing", async () => {
  const notes = (await findings({ parts: { body: "<cputune><shares>9</shares></cputune>" } })).filter(
    ({ level }) => level === "note",
  );
  assert.match(notes.map((one) => one.text).join(), /CPU shares/);
  const { machine, host } = await readyMachine();
  await machine.open().run("prlimit", ["--pid", String(host.self.pid), `--memlock=8388608:${1024 ** 3}`]);
  const soft = await preflight(host, vmNeeds(readVm(host, xmlOf({}), "vm.xml")));
  assert.match(soft.map((one) => one.text).join(), /The soft memlock limit, 8 MiB, is raised/);
  assert.equal(hasFailure(soft), false);
});

test("preflight() finds the backing file that an image names itself", async () => {
  const head = Buffer.alloc(64);
  head.write("QFI\u00fb", 0, "latin1");
  head.writeBigUInt64BE(40n, 8);
  head.writeUInt32BE(8, 16);
  head.write("base.img", 40);
  const { machine, host } = await readyMachine();
  machine.fs.add("/srv/top", { kind: "file", content: head, mode: 0o666, uid: 0, gid: 0 });
  const parts = { devices: disk("<driver name='qemu' type='qcow2'/><source file='/srv/top'/>") };
  const all = await preflight(host, vmNeeds(readVm(host, xmlOf(parts), "vm.xml")));
  assert.match(all.map((one) => one.text).join("\n"), /Cannot use \/srv\/base.img \(backing file of disk vda\)/);
});
