// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { KernelError, labMachine } from "./index.ts";

test("getent finds users by name and uid, and says 2 when there is none", async () => {
  const host = labMachine().open();
  const line = "alex:x:1000:1000:alex:/home/alex:/bin/bash\n";
  assert.deepEqual(await host.run("getent", ["passwd", "--", "1000"]), {
    status: 0,
    signal: null,
    stdout: line,
    stderr: "",
  });
  assert.equal((await host.run("getent", ["passwd", "alex"])).stdout, line);
  assert.equal((await host.run("getent", ["passwd", "nobody"])).status, 2);
  assert.equal((await host.run("getent", ["group", "bea"])).stdout, "bea:x:1001:\n");
});

test("run() throws HD_COMMAND_NOT_FOUND for what is not installed", async () => {
  const host = labMachine().withoutCommand("prlimit").open();
  for (const command of ["prlimit", "no-such-command"]) {
    await assert.rejects(host.run(command, []), (error) => isHostdevError(error, "HD_COMMAND_NOT_FOUND"));
  }
});

test("command() installs a command", async () => {
  const machine = labMachine().build();
  machine.command("ip", (args) => ({ stdout: `${args.join(" ")}\n` }), { mutates: false });
  const host = machine.open();
  assert.equal((await host.run("/usr/sbin/ip", ["-j", "addr"])).stdout, "-j addr\n");
  assert.equal(host.mutations, 0);
});

test("modprobe complains about unknown modules, about users, and about modules in use", async () => {
  const machine = labMachine().withoutModule("pci-stub").build();
  const host = machine.open();
  assert.match((await host.run("modprobe", ["pci-stub"])).stderr, /FATAL: Module pci-stub not found/);
  assert.match((await host.as("alex").run("modprobe", ["vfio-pci"])).stderr, /'vfio_pci': Operation not permitted/);
  assert.equal((await host.run("modprobe", ["-n", "vfio-pci"])).status, 0);
  assert.equal(machine.modules.loaded.has("vfio_pci"), false);
  await host.run("modprobe", ["vfio-pci"]);
  machine.rebind("0000:01:00.0", "vfio-pci");
  machine.holdGroup(machine.process({ user: "root", comm: "qemu" }), 11);
  assert.match((await host.run("modprobe", ["-r", "vfio-pci"])).stderr, /FATAL: Module vfio_pci is in use/);
  assert.match((await host.run("modprobe", ["-r", "no-such"])).stderr, /FATAL: Module no-such not found\.$/m);
  assert.equal((await host.run("modprobe", ["pcieport"])).status, 1); // that is the driver's name only
});

test("modprobe -r of a native driver takes it from its functions", async () => {
  const machine = labMachine().build();
  await machine.open().run("modprobe", ["-r", "e1000e"]);
  assert.equal(machine.function("0000:01:00.0").driver, undefined);
  await machine.open().run("modprobe", ["e1000e"]);
  assert.equal(machine.function("0000:01:00.0").driver?.name, "e1000e");
});

test("prlimit lets users lower their own limits, not raise the hard one again", async () => {
  const machine = labMachine().build();
  const shell = machine.processes.all().find((process) => process.comm === "bash");
  const pid = String(shell?.pid);
  const alex = machine.open("alex");
  assert.equal((await alex.run("prlimit", ["--pid", pid, "--memlock=65536:131072"])).status, 0);
  assert.equal((await alex.run("prlimit", ["--pid", pid, "--memlock=131072:"])).status, 0);
  const raised = await alex.run("prlimit", ["--pid", pid, "--memlock=65536:262144"]);
  assert.deepEqual(
    [raised.status, raised.stderr],
    [1, "prlimit: failed to set the MEMLOCK resource limit: Operation not permitted\n"],
  );
  assert.equal((await machine.open().run("prlimit", ["--pid", pid, "--memlock=unlimited"])).status, 0);
  assert.match(alex.readText(`/proc/${pid}/limits`) ?? "", /^Max locked memory +unlimited +unlimited +bytes/m);
  const shown = await alex.run("prlimit", [
    "--pid",
    pid,
    "--memlock",
    "--output",
    "SOFT,HARD",
    "--noheadings",
    "--raw",
  ]);
  assert.equal(shown.stdout, "unlimited unlimited\n");
});

test("proc shows a process as the kernel prints it", () => {
  const machine = labMachine().build();
  const { pid } = machine.process({ user: "alex", comm: "a) b (c", cmdline: ["/bin/a", "-x", ""] });
  const host = machine.open();
  assert.match(host.readText(`/proc/${pid}/stat`) ?? "", new RegExp(`^${pid} \\(a\\) b \\(c\\) S 1 `));
  assert.equal(host.readText(`/proc/${pid}/cmdline`), "/bin/a\0-x\0\0");
  assert.match(host.readText(`/proc/${pid}/status`) ?? "", /^Uid:\t1000\t1000\t1000\t1000$/m);
  assert.equal(host.readLink(`/proc/${pid}/fd/0`), "/dev/null");
  assert.throws(
    () => host.as("bea").readLink(`/proc/${pid}/exe`),
    (error) => isHostdevError(error, "HD_FILE"),
  );
});

test("kill() ends a process, is false for none, and throws EPERM for another user's", () => {
  const machine = labMachine().build();
  const shell = machine.process({ user: "bea", comm: "bash" });
  const host = machine.open("alex");
  assert.equal(host.kill(4_000_000, "SIGTERM"), false);
  const isEperm = (error: unknown) => isHostdevError(error, "HD_FILE") && error.details.errno === "EPERM";
  assert.throws(() => host.kill(shell.pid, "SIGTERM"), isEperm);
  assert.equal(machine.open().kill(shell.pid, "SIGTERM"), true);
  assert.equal(machine.processes.get(shell.pid), undefined);
});

test("write() of another hand fails with the kernel's errno", () => {
  const machine = labMachine().build();
  assert.throws(
    () => machine.write("/sys/bus/pci/drivers_probe", "x"),
    (error) => error instanceof KernelError,
  );
});
