// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { Crash, diffSnapshots, fakeMachine, labMachine } from "./index.ts";

const nic = "/sys/bus/pci/devices/0000:01:00.0";

test("readText() gives undefined for what is absent", () => {
  const host = labMachine().open();
  assert.equal(host.readText("/sys/bus/pci/devices/0000:7f:00.0/vendor"), undefined);
  assert.equal(host.readText("/etc/passwd/below"), undefined);
});

test("readText() throws HD_FILE for a directory and for a file that may not be read", () => {
  const host = labMachine().file("/etc/secret", "x", 0o600).open();
  assert.throws(
    () => host.readText("/etc"),
    (error) => isHostdevError(error, "HD_FILE") && error.details.errno === "EISDIR",
  );
  const isRefused = (error: unknown) => isHostdevError(error, "HD_FILE") && error.details.errno === "EACCES";
  assert.throws(() => host.as("alex").readText("/etc/secret"), isRefused);
  assert.throws(() => host.readText("/sys/bus/pci/drivers_probe"), isRefused);
});

test("realPath() resolves sysfs's relative links", () => {
  const host = labMachine().open();
  assert.equal(host.readLink(nic), "../../../devices/pci0000:00/0000:00:02.0/0000:01:00.0");
  assert.equal(host.readLink(`${nic}/iommu_group`), "../../../../kernel/iommu_groups/11");
  assert.equal(host.realPath(`${nic}/driver`), "/sys/bus/pci/drivers/e1000e");
  assert.equal(host.realPath("/sys/class/net/enp1s0/device"), host.realPath(nic));
  assert.equal(host.realPath("/proc/self"), `/proc/${host.self.pid}`);
});

test("readLink() is undefined for what is no link", () => {
  assert.equal(labMachine().open().readLink(`${nic}/vendor`), undefined);
});

test("realPath() throws ELOOP for links in a circle", async () => {
  const machine = labMachine().build();
  machine.fs.link("/etc/a", "/etc/b");
  machine.fs.link("/etc/b", "/etc/a");
  const isLoop = (error: unknown) => isHostdevError(error, "HD_FILE") && error.details.errno === "ELOOP";
  assert.throws(() => machine.open().realPath("/etc/a"), isLoop);
});

test("writeFile() replaces a symbolic link and takes owner and mode of the writer", () => {
  const machine = labMachine().file("/etc/target", "kept").build();
  machine.fs.link("/etc/link", "/etc/target");
  const host = machine.open();
  host.writeFile("/etc/link", "new", 0o640);
  assert.equal(host.readText("/etc/target"), "kept");
  assert.deepEqual(host.status("/etc/link"), { kind: "file", mode: 0o640, uid: 0, gid: 0, sizeBytes: 3 });
});

test("writeFile() fails without a parent directory, in sysfs, and without permission", () => {
  const host = labMachine().open();
  const failsWith = (errno: string) => (error: unknown) =>
    isHostdevError(error, "HD_FILE") && error.details.errno === errno;
  assert.throws(() => host.writeFile("/etc/none/file", "", 0o600), failsWith("ENOENT"));
  assert.throws(() => host.writeFile(`${nic}/new`, "", 0o600), failsWith("EACCES"));
  assert.throws(() => host.as("alex").writeFile("/etc/file", "", 0o600), failsWith("EACCES"));
});

test("makeDirectory() makes parents, removeDirectory() leaves what is not empty", () => {
  const host = labMachine().open();
  host.makeDirectory("/var/lib/hostdev/journal", 0o700);
  host.removeDirectory("/var/lib/hostdev");
  assert.equal(host.status("/var/lib/hostdev")?.mode, 0o700);
  host.removeDirectory("/var/lib/hostdev/journal");
  host.removeDirectory("/var/lib/hostdev/journal");
  assert.deepEqual(host.list("/var/lib/hostdev"), []);
});

test("setOwnership() refuses a link and, for users, what is not theirs", () => {
  const machine = labMachine().build();
  machine.fs.link("/etc/link", "/etc/passwd");
  const host = machine.open();
  const failsWith = (errno: string) => (error: unknown) =>
    isHostdevError(error, "HD_FILE") && error.details.errno === errno;
  assert.throws(() => host.setOwnership("/etc/link", { uid: 1000, gid: 0, mode: 0o600 }), failsWith("ELOOP"));
  assert.throws(
    () => host.as("alex").setOwnership("/etc/passwd", { uid: 1000, gid: 0, mode: 0o600 }),
    failsWith("EPERM"),
  );
});

test("lock() names its owner, and ends with the owner's process", async () => {
  const machine = labMachine().build();
  const [first, second] = [machine.open(), machine.open()];
  const release = await first.lock("/run/lock");
  await assert.rejects(
    second.lock("/run/lock"),
    (error) => isHostdevError(error, "HD_LOCKED") && error.details.pid === first.self.pid,
  );
  await release();
  const releaseSecond = await second.lock("/run/lock");
  machine.processes.end(second.self.pid);
  await releaseSecond();
  await first.lock("/run/lock");
});

test("crashAt() before: the operation did not happen, and nothing happens after it", async () => {
  const machine = labMachine().build();
  const host = machine.open().crashAt(2);
  host.writeFile("/etc/one", "1", 0o600);
  assert.throws(() => host.writeFile("/etc/two", "2", 0o600), Crash);
  assert.throws(() => host.readText("/etc/one"), Crash);
  await assert.rejects(host.sleep(1), Crash);
  const fresh = machine.open();
  assert.equal(fresh.readText("/etc/one"), "1");
  assert.equal(fresh.readText("/etc/two"), undefined);
  assert.equal(fresh.status(`/proc/${host.self.pid}`), undefined);
});

test("crashAt() after: the operation happened", async () => {
  const machine = labMachine().build();
  const host = machine.open().crashAt(1, "after");
  await assert.rejects(host.writeKernel(`${nic}/driver_override`, "pci-stub"), Crash);
  assert.equal(machine.function("0000:01:00.0").override, "pci-stub");
});

test("crashAt() torn: half a line, a temporary file, no access", () => {
  const machine = labMachine().file("/var/lib/journal", "1234\n").build();
  assert.throws(() => machine.open().crashAt(1, "torn").appendFile("/var/lib/journal", "abcd\n", 0o600), Crash);
  assert.throws(() => machine.open().crashAt(1, "torn").writeFile("/etc/file", "abcd\n", 0o600), Crash);
  assert.throws(
    () => machine.open().crashAt(1, "torn").setOwnership("/etc/passwd", { uid: 1, gid: 1, mode: 0o600 }),
    Crash,
  );
  const host = machine.open();
  assert.equal(host.readText("/var/lib/journal"), "1234\nab");
  assert.equal(host.readText("/etc/file"), undefined);
  assert.match((host.list("/etc") ?? []).join(" "), /\.\S+\.new/);
  assert.equal(host.status("/etc/passwd")?.mode, 0);
});

test("mutations counts what changes the machine, not what reads it", async () => {
  const host = labMachine().open();
  host.readText("/etc/passwd");
  await host.run("getent", ["passwd", "alex"]);
  assert.equal(host.mutations, 0);
  host.removeFile("/etc/none");
  await host.run("modprobe", ["vfio-pci"]);
  assert.equal(host.mutations, 2);
});

test("failOn() fails matching acts so many times, after so many others", async () => {
  const machine = labMachine().build();
  machine.failOn({ operation: "writeKernel", path: /driver_override$/, errno: "EIO", times: 1, after: 1 });
  const host = machine.open();
  await host.writeKernel(`${nic}/driver_override`, "a");
  await assert.rejects(host.writeKernel(`${nic}/driver_override`, "b"), (error) =>
    isHostdevError(error, "HD_KERNEL_WRITE"),
  );
  await host.writeKernel(`${nic}/driver_override`, "c");
  machine.failOn({ operation: "run", path: "modprobe", errno: "no" });
  assert.equal((await host.run("modprobe", ["vfio-pci"])).status, 1);
});

test("on() lets another actor change the machine between two acts", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  machine.on("before", { operation: "writeKernel", value: "0000:01:00.0" }, () =>
    machine.write(`${nic}/driver_override`, "e1000e"),
  );
  await host.writeKernel(`${nic}/driver_override`, "pci-stub");
  await host.writeKernel(`${nic}/driver/unbind`, "0000:01:00.0");
  assert.equal(host.readText(`${nic}/driver_override`), "e1000e\n");
});

test("reboot() forgets all but the disk", async () => {
  const machine = labMachine().build();
  const host = machine.open();
  const [bootId, before] = [host.readText("/proc/sys/kernel/random/boot_id"), machine.snapshot()];
  await host.run("modprobe", ["vfio-pci"]);
  machine.rebind("0000:01:00.0", "vfio-pci");
  host.writeFile("/run/gone", "", 0o600);
  host.writeFile("/etc/stays", "", 0o600);
  machine.reboot();
  const fresh = machine.open();
  assert.notEqual(fresh.readText("/proc/sys/kernel/random/boot_id"), bootId);
  assert.deepEqual(diffSnapshots(before, machine.snapshot(), [/^limits/]), [
    'files /etc/stays: (absent) -> 0600 0:0 ""',
  ]);
});

test("reboot() takes changed hardware", () => {
  const machine = labMachine().build();
  machine.reboot((topology) => {
    topology.functions.delete("0000:02:00.0");
    topology.change("0000:01:00.0", { group: 42 });
  });
  const host = machine.open();
  assert.equal(host.status("/sys/bus/pci/devices/0000:02:00.0"), undefined);
  assert.equal(host.realPath(`${nic}/iommu_group`), "/sys/kernel/iommu_groups/42");
});

test("snapshot() and diffSnapshots() name what changed", async () => {
  const machine = labMachine().build();
  const before = machine.snapshot();
  const host = machine.open();
  await host.run("modprobe", ["pci-stub"]);
  machine.rebind("0000:01:00.0", "pci-stub");
  const lines = diffSnapshots(before, machine.snapshot());
  assert.deepEqual(lines, [
    "drivers 0000:01:00.0: e1000e -> pci-stub",
    "overrides 0000:01:00.0: (absent) -> pci-stub",
    "modules pci_stub: (absent) -> loaded",
  ]);
});

test("spawn() runs the model of a program, and its end releases the group node", async () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  machine.rebind("0000:01:00.0", "vfio-pci");
  machine.program("qemu-system-x86_64", (program) => {
    machine.holdGroup(program.process, 11);
    program.stdout.write("ready\n");
  });
  const host = machine.open();
  const qemu = await host.spawn("/usr/bin/qemu-system-x86_64", ["-version"]);
  assert.equal(String((await qemu.stdout?.[Symbol.asyncIterator]().next())?.value), "ready\n");
  assert.equal(host.tryOpen("/dev/vfio/11"), "EBUSY");
  assert.equal(host.kill(qemu.pid, "SIGTERM"), true);
  assert.deepEqual(await qemu.ended, { status: null, signal: "SIGTERM" });
  assert.equal(host.tryOpen("/dev/vfio/11"), undefined);
  await assert.rejects(host.spawn("qemu-none", []), (error) => isHostdevError(error, "HD_COMMAND_NOT_FOUND"));
});

test("connect() reaches a listening socket, and is undefined without one", async () => {
  const machine = labMachine().build();
  machine.listen("/run/qmp.sock", (socket) => socket.write("hello"));
  const host = machine.open();
  const socket = await host.connect("/run/qmp.sock");
  assert.equal(String((await socket?.[Symbol.asyncIterator]().next())?.value), "hello");
  assert.equal(await host.connect("/run/none.sock"), undefined);
});

test("sleep() moves the clock and lets what is due happen", async () => {
  const machine = fakeMachine().build();
  const host = machine.open();
  let done = false;
  machine.clock.schedule(5000, () => {
    done = true;
  });
  const start = host.now().getTime();
  await host.sleep(4999);
  assert.equal(done, false);
  await host.sleep(1);
  assert.equal(done, true);
  assert.equal(host.now().getTime() - start, 5000);
});
