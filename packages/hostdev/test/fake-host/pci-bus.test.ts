// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { fakeMachine, KernelError, KernelHang, labMachine, noIommuMachine } from "./index.ts";

const bus = "/sys/bus/pci";
const nic = `${bus}/devices/0000:01:00.0`;

function refused(errno: string) {
  return (error: unknown) => isHostdevError(error, "HD_KERNEL_WRITE") && error.details.errno === errno;
}

function failsWith(errno: string) {
  return (error: unknown) => error instanceof KernelError && error.errno === errno;
}

test("loading a module binds all free functions that it matches, overridden ones too", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  await host.writeKernel(`${bus}/devices/0000:04:02.0/driver_override`, "vfio-pci");
  await host.writeKernel(`${nic}/driver_override`, "vfio-pci");
  assert.equal((await host.run("modprobe", ["vfio-pci"])).status, 0);
  assert.equal(machine.function("0000:04:02.0").driver?.name, "vfio-pci");
  assert.equal(machine.function("0000:01:00.0").driver?.name, "e1000e");
});

test("a driver's directory is there only while its module is loaded", async () => {
  const host = labMachine().open();
  assert.equal(host.status(`${bus}/drivers/vfio-pci`), undefined);
  await assert.rejects(host.writeKernel(`${bus}/drivers/vfio-pci/bind`, "0000:01:00.0"), refused("ENOENT"));
  await host.run("modprobe", ["vfio-pci"]);
  assert.equal(host.realPath(`${bus}/drivers/vfio-pci/module`), "/sys/module/vfio_pci");
  assert.equal(host.readText("/sys/module/vfio_pci/initstate"), "live\n");
  await host.run("modprobe", ["-r", "vfio-pci"]);
  assert.equal(host.status(`${bus}/drivers/vfio-pci`), undefined);
});

test("/dev/vfio/vfio goes with the last of VFIO's modules, unless systemd made it", async () => {
  for (const [machine, stays] of [[noIommuMachine(), false] as const, [labMachine(), true] as const]) {
    const host = machine.bootModule("vfio-pci").open();
    for (const module of ["vfio-pci", "vfio_iommu_type1"]) {
      assert.notEqual(host.status("/dev/vfio/vfio"), undefined);
      assert.equal((await host.run("modprobe", ["-r", module])).status, 0);
    }
    assert.equal(host.status("/sys/module/vfio"), undefined);
    assert.equal(host.status("/dev/vfio/vfio") !== undefined, stays);
  }
});

test("an override to a native driver that does not know the function binds nothing", async () => {
  const machine = labMachine().build();
  machine.rebind("0000:01:00.0", "igb");
  assert.equal(machine.function("0000:01:00.0").driver, undefined);
  assert.throws(() => machine.write(`${bus}/drivers/igb/bind`, "0000:01:00.0"), failsWith("ENODEV"));
});

test("new_id makes a driver match without override, remove_id ends that, and doubles are refused", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  machine.write(`${bus}/drivers/vfio-pci/new_id`, "1234 11e8");
  assert.equal(machine.function("0000:04:02.0").driver?.name, "vfio-pci");
  assert.throws(() => machine.write(`${bus}/drivers/vfio-pci/new_id`, "1234 11e8"), failsWith("EEXIST"));
  assert.throws(() => machine.write(`${bus}/drivers/vfio-pci/new_id`, "nonsense"), failsWith("EINVAL"));
  machine.write(`${bus}/drivers/vfio-pci/remove_id`, "1234 11e8");
  assert.throws(() => machine.write(`${bus}/drivers/vfio-pci/remove_id`, "1234 11e8"), failsWith("ENODEV"));
});

test("vfio-pci refuses a function without IOMMU group, pci-stub takes it", () => {
  const machine = noIommuMachine().bootModule("vfio-pci").bootModule("pci-stub").build();
  machine.rebind("0000:01:00.0", "vfio-pci");
  assert.equal(machine.function("0000:01:00.0").driver, undefined);
  assert.throws(() => machine.write(`${bus}/drivers/vfio-pci/bind`, "0000:01:00.0"), failsWith("EINVAL"));
  machine.rebind("0000:01:00.0", "pci-stub");
  assert.equal(machine.function("0000:01:00.0").driver?.name, "pci-stub");
});

test("pcieport takes PCIe ports and leaves a PCIe-to-PCI bridge alone", () => {
  const machine = labMachine().build();
  assert.equal(machine.function("0000:00:02.0").driver?.name, "pcieport");
  assert.equal(machine.function("0000:03:00.0").driver, undefined);
});

test("what the native driver makes goes and comes with it", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  const host = machine.open();
  assert.equal(host.readText("/sys/class/net/enp1s0/address"), "52:54:00:12:34:56\n");
  assert.equal(host.readText("/sys/class/nvme/nvme0/serial"), "lab0\n");
  assert.equal(host.status("/dev/nvme0n1")?.kind, "block-device");
  assert.equal(host.realPath("/sys/dev/block/259:0"), host.realPath("/sys/block/nvme0n1"));
  machine.rebind("0000:01:00.0", "vfio-pci");
  machine.rebind("0000:02:00.0", "vfio-pci");
  assert.equal(host.status("/sys/class/net/enp1s0"), undefined);
  assert.equal(host.status(`${nic}/net`), undefined);
  assert.equal(host.status("/dev/nvme0n1"), undefined);
  assert.equal(host.status("/sys/block/nvme0n1"), undefined);
  machine.rebind("0000:02:00.0", undefined);
  assert.equal(host.status("/dev/nvme0n1")?.kind, "block-device");
});

test("sriov_numvfs makes and removes virtual functions in groups of their own", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  const pf = `${bus}/devices/0000:05:00.0`;
  await host.writeKernel(`${pf}/sriov_numvfs`, "2");
  assert.equal(host.readText(`${pf}/sriov_numvfs`), "2\n");
  assert.equal(host.readLink(`${pf}/virtfn1`), "../0000:05:10.2");
  assert.equal(host.readLink(`${bus}/devices/0000:05:10.0/physfn`), "../0000:05:00.0");
  assert.equal(machine.function("0000:05:10.0").group, 20);
  assert.equal(machine.function("0000:05:10.2").group, 21);
  assert.equal(host.readText(`${bus}/devices/0000:05:10.0/vendor`), "0x8086\n");
  assert.deepEqual([...(host.readBytes(`${bus}/devices/0000:05:10.0/config`, 4) ?? [])], [255, 255, 255, 255]);
  await assert.rejects(host.writeKernel(`${pf}/sriov_numvfs`, "3"), refused("EBUSY"));
  await assert.rejects(host.writeKernel(`${pf}/sriov_numvfs`, "8"), refused("ERANGE"));
  await host.writeKernel(`${pf}/sriov_numvfs`, "0");
  assert.equal(host.status(`${bus}/devices/0000:05:10.0`), undefined);
  assert.equal(host.status("/sys/kernel/iommu_groups/20"), undefined);
});

test("a PF without its driver takes its virtual functions with it and makes none", async () => {
  const machine = labMachine().build();
  const pf = `${bus}/devices/0000:05:00.0`;
  machine.write(`${pf}/sriov_numvfs`, "2");
  machine.write(`${pf}/driver/unbind`, "0000:05:00.0");
  assert.equal(machine.open().status(`${bus}/devices/0000:05:10.0`), undefined);
  assert.throws(() => machine.write(`${pf}/sriov_numvfs`, "2"), failsWith("ENOENT"));
});

test("a group's directory lists its members, the bridge too, and its type", () => {
  const host = labMachine().open();
  const members = host.list("/sys/kernel/iommu_groups/13/devices");
  assert.deepEqual([...(members ?? [])].sort(), ["0000:03:00.0", "0000:04:01.0", "0000:04:02.0", "0000:04:03.0"]);
  assert.equal(host.readText("/sys/kernel/iommu_groups/13/type"), "DMA-FQ\n");
});

test("without IOMMU there are no groups and no iommu class", () => {
  const host = noIommuMachine().open();
  assert.deepEqual(host.list("/sys/kernel/iommu_groups"), []);
  assert.deepEqual(host.list("/sys/class/iommu"), []);
  assert.equal(host.status(`${nic}/iommu_group`), undefined);
});

test("writeKernel() throws HD_KERNEL_WRITE_HANGS for the unbind of an open device, after its time", async () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  machine.rebind("0000:01:00.0", "vfio-pci");
  const qemu = machine.process({ user: "root", comm: "qemu-system-x86" });
  machine.holdGroup(qemu, 11);
  const host = machine.open();
  const start = host.now().getTime();
  await assert.rejects(host.writeKernel(`${nic}/driver/unbind`, "0000:01:00.0"), (error) => {
    assert.ok(isHostdevError(error, "HD_KERNEL_WRITE_HANGS"));
    assert.match(host.readText(`/proc/${error.details.pid}/stat`) ?? "", / \(dd\) D /);
    assert.equal(host.kill(error.details.pid, "SIGKILL"), true);
    assert.notEqual(host.readText(`/proc/${error.details.pid}/stat`), undefined);
    return true;
  });
  assert.equal(host.now().getTime() - start, 30_000);
  assert.equal(host.status(`${nic}/driver`), undefined);
  await host.writeKernel(`${nic}/driver_override`, "\n");
  machine.processes.end(qemu.pid);
  assert.equal(machine.function("0000:01:00.0").driver, undefined);
  assert.equal(host.readText(`${nic}/driver_override`), "(null)\n");
  assert.deepEqual(
    machine.processes.all().filter((process) => process.state === "D"),
    [],
  );
});

test("writeKernel() succeeds when the user closes the device in time", async () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  machine.rebind("0000:01:00.0", "vfio-pci");
  const qemu = machine.process({ user: "root", comm: "qemu-system-x86" });
  machine.holdGroup(qemu, 11);
  machine.clock.schedule(2000, () => machine.processes.end(qemu.pid));
  const host = machine.open();
  const start = host.now().getTime();
  await host.writeKernel(`${nic}/driver/unbind`, "0000:01:00.0");
  assert.equal(host.now().getTime() - start, 2000);
});

test("overrideTakesLock() makes readers and writers of driver_override hang while an unbind does", () => {
  const machine = labMachine().overrideTakesLock().bootModule("vfio-pci").build();
  machine.rebind("0000:01:00.0", "vfio-pci");
  const holder = machine.holdGroup(machine.process({ user: "root", comm: "qemu" }), 11);
  assert.throws(() => machine.write(`${nic}/driver/unbind`, "0000:01:00.0"), KernelHang);
  assert.throws(() => machine.write(`${nic}/driver_override`, "\n"), KernelHang);
  assert.throws(() => machine.open().readText(`${nic}/driver_override`), /hangs/);
  holder.close();
  assert.equal(machine.open().readText(`${nic}/driver_override`), "(null)\n");
});

test("a function of several says so in its header, and only the first", () => {
  const host = fakeMachine().function("0000:00:03.0").function("0000:00:03.1").function("0000:00:04.0").open();
  const headers = ["03.0", "03.1", "04.0"].map((at) => host.readBytes(`${bus}/devices/0000:00:${at}/config`, 64)?.[14]);
  assert.deepEqual(headers, [0x80, 0, 0]);
});

test("a group node held without any device open lets unbind through, and is seen as deleted", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  machine.rebind("0000:01:00.0", "vfio-pci");
  const qemu = machine.process({ user: "root", comm: "qemu" });
  machine.holdGroup(qemu, 11, { devices: [] });
  machine.rebind("0000:01:00.0", undefined);
  assert.equal(machine.open().readLink(`/proc/${qemu.pid}/fd/3`), "/dev/vfio/11 (deleted)");
  assert.equal(machine.isViable(11), false);
});

test("holdGroup() needs the node's permission, a free node, and a viable group", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  const alex = machine.process({ user: "alex", comm: "qemu" });
  assert.throws(() => machine.holdGroup(alex, 11), failsWith("ENOENT"));
  machine.rebind("0000:01:00.0", "vfio-pci");
  assert.throws(() => machine.holdGroup(alex, 11), failsWith("EACCES"));
  machine.open().setOwnership("/dev/vfio/11", { uid: 1000, gid: 0, mode: 0o600 });
  const first = machine.holdGroup(alex, 11);
  assert.throws(() => machine.holdGroup(alex, 11), failsWith("EBUSY"));
  first.close();
  machine.rebind("0000:04:02.0", "vfio-pci");
  assert.throws(() => machine.holdGroup(machine.process({ user: "root", comm: "qemu" }), 13), failsWith("EPERM"));
});

test("reset counts resets, takes 1 only, and is missing where there is no way to reset", () => {
  const machine = labMachine().build();
  machine.write(`${nic}/reset`, "1");
  assert.equal(machine.function("0000:01:00.0").resets, 1);
  assert.throws(() => machine.write(`${nic}/reset`, "2"), failsWith("EINVAL"));
  const host = machine.open();
  assert.equal(host.readText(`${nic}/reset_method`), "flr\n");
  assert.equal(host.status(`${bus}/devices/0000:04:02.0/reset`), undefined);
});

test("config has bus mastering on only while a native driver is bound", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  const command = () => machine.open().readBytes(`${nic}/config`, 5)?.[4] ?? 0;
  assert.equal(command() & 4, 4);
  machine.rebind("0000:01:00.0", "vfio-pci");
  assert.equal(command() & 4, 0);
});

test("config has the capabilities that were declared", () => {
  const host = labMachine().open();
  const config = Buffer.from(host.readBytes(`${nic}/config`, 4096) ?? []);
  assert.equal(config.length, 4096);
  assert.equal(config.readUInt32LE(0x100) & 0xffff, 3); // device serial number
  assert.equal(config.readBigUInt64LE(0x104), 0x525400ffff123456n);
  assert.equal(host.readBytes(`${bus}/devices/0000:04:01.0/config`, 4096)?.length, 256);
  assert.equal(host.readBytes(`${bus}/devices/0000:00:02.0/config`, 64)?.[0x19], 1); // secondary bus
});

test("iommufd() gives each function on vfio-pci a device file that goes with the driver", () => {
  const machine = labMachine().iommufd().bootModule("vfio-pci").build();
  const host = machine.open();
  machine.rebind("0000:01:00.0", "vfio-pci");
  machine.rebind("0000:02:00.0", "vfio-pci");
  assert.deepEqual(host.list(`${bus}/devices/0000:02:00.0/vfio-dev`), ["vfio1"]);
  assert.equal(host.status("/dev/vfio/devices/vfio1")?.mode, 0o600);
  assert.equal(host.status("/dev/iommu")?.mode, 0o660);
  machine.rebind("0000:01:00.0", undefined);
  assert.equal(host.status("/dev/vfio/devices/vfio0"), undefined);
});

test("staticNodes() has /dev/vfio/vfio from the start; opening it loads the module", () => {
  const machine = fakeMachine().staticNodes().user("alex", 1000).build();
  const host = machine.open("alex");
  assert.equal(host.status("/dev/vfio/vfio")?.mode, 0o666);
  assert.equal(machine.modules.loaded.has("vfio"), false);
  assert.equal(host.tryOpen("/dev/vfio/vfio"), undefined);
  assert.equal(machine.modules.loaded.has("vfio"), true);
});

test("bridges nest: a function's directory lies in that of the bridge above it", () => {
  const host = fakeMachine()
    .bridge("0000:00:01.0", { secondary: 1, subordinate: 2 })
    .bridge("0000:01:00.0", { secondary: 2, portType: 6 })
    .function("0000:02:00.0")
    .open();
  assert.equal(
    host.realPath(`${bus}/devices/0000:02:00.0`),
    "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0",
  );
});
