// SPDX-License-Identifier: Apache-2.0

/*
 * The lab itself: that the machine is what it promises, that commands run as they would for a person, and that vfio works
 * with nothing but shell commands. When this fails, no other scenario means anything.
 */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { forwardPort } from "../src/channel/forward-port.ts";
import { rootPort } from "../src/machine/topology.ts";
import { lab1Text, smallZoo } from "../src/machine/zoo.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";
import { until } from "../src/until.ts";

const { section } = labScenario();

const nic = "/sys/bus/pci/devices/0000:01:00.0";

section("the system is up and healthy, on Debian's own kernel", async (lab) => {
  const { stdout } = await lab.root("systemctl is-system-running; uname -r; systemd-detect-virt");
  assert.match(stdout, /^running\n6\.12\.\S*deb13-amd64\n/);
});

section("groups are as the topology promises", async (lab) => {
  const script =
    "for d in 0000:01:00.0 0000:02:00.0 0000:04:02.0; do ls $(readlink -f /sys/bus/pci/devices/$d/iommu_group)/devices | xargs; done";
  const { stdout } = await lab.root(script);
  assert.deepEqual(stdout.trim().split("\n"), [
    "0000:01:00.0",
    "0000:02:00.0",
    "0000:03:00.0 0000:04:01.0 0000:04:02.0 0000:04:03.0",
  ]);
});

section("udev has bound the native drivers", async (lab) => {
  const { stdout } = await lab.root(
    "for d in 01:00.0 02:00.0 04:01.0; do basename $(readlink /sys/bus/pci/devices/0000:$d/driver); done",
  );
  assert.equal(stdout, "e1000e\nnvme\ne1000\n");
  const disk = await lab.root("head -c 64 /dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_LAB1 | head -n 1");
  assert.equal(disk.stdout, lab1Text);
  assert.equal((await readFile(lab.nvmeBackingFile())).subarray(0, lab1Text.length).toString(), lab1Text);
});

section("alex is an ordinary user with 8 MiB of lockable memory", async (lab) => {
  for (const login of [false, true]) {
    const { stdout } = await lab.alex("id; ulimit -Sl; ulimit -Hl; echo $HOME $USER", { login });
    assert.equal(stdout, "uid=1000(alex) gid=1000(alex) groups=1000(alex)\n8192\n8192\n/home/alex alex\n");
  }
  assert.equal((await lab.alex("cat /dev/vda")).code, 1);
  assert.equal((await lab.alex(`echo 1 > ${nic}/driver/unbind`)).code, 1);
  assert.match((await lab.as("blake", "id -un")).stdout, /^blake$/m);
});

section("a login of alex has a user manager and a bus", async (lab) => {
  const { stdout } = await lab.alex(
    "systemctl --user is-system-running --wait; systemd-run --user --wait --pipe -q id -un",
    { login: true },
  );
  assert.equal(stdout, "running\nalex\n");
});

section("commands report code, output, time and timeouts apart", async (lab) => {
  const failed = await lab.root("echo out; echo err >&2; sleep 0.5; exit 7");
  assert.deepEqual([failed.code, failed.stdout, failed.stderr, failed.timedOut], [7, "out\n", "err\n", false]);
  assert.ok(failed.ms >= 500);
  const late = await lab.alex("echo before; sleep 60", { timeoutMs: 1000 });
  assert.deepEqual([late.code, late.stdout, late.timedOut], [124, "before\n", true]);
  assert.equal((await lab.root("pgrep -x sleep")).code, 1, "the late command's children are gone");
  assert.equal((await lab.root("kill -KILL $$")).code, 137);
  assert.equal((await lab.root("cat", { input: "grüße\0\n" })).stdout, "grüße\0\n");
  await assert.rejects(lab.root("echo why; false", { check: true }), /ended with code 1: echo why; false\nwhy/);
});

section("large output arrives complete", async (lab) => {
  const { stdout } = await lab.root("seq 1 200000");
  assert.equal(stdout.length, 1288895);
  assert.ok(stdout.endsWith("\n199999\n200000\n"));
});

section("commands run side by side, stream their lines and can be killed", async (lab) => {
  const lines: string[] = [];
  const long = lab.spawn("alex", "for i in 1 2 3; do echo line $i; done; cat > /dev/null; echo never", {
    keepInput: true,
    onLine: (line) => lines.push(line),
  });
  assert.equal((await lab.root("echo meanwhile")).stdout, "meanwhile\n");
  for (let tries = 0; lines.length < 3 && tries < 100; tries++) await sleep(50);
  assert.deepEqual(lines, ["line 1", "line 2", "line 3"]);
  assert.equal((await lab.root(`ps -o user= -p ${await long.pid}`)).stdout.trim(), "alex");
  long.kill("SIGKILL");
  assert.equal((await long.result).code, 137);
  const login = lab.spawn("alex", "sleep 100", { login: true });
  await sleep(2000);
  login.kill();
  assert.notEqual((await login.result).code, 0);
  assert.equal((await lab.root("pgrep -x sleep")).code, 1);
});

section("a port of the machine is reached from the host; the end of each side is told to the other", async (lab) => {
  const listen = "socat -t 60 TCP-LISTEN:7000,bind=127.0.0.1,fork,reuseaddr SYSTEM:'sha256sum; seq 1 100000'";
  const talkative = "socat TCP-LISTEN:7001,bind=127.0.0.1,fork,reuseaddr SYSTEM:'echo bye'";
  const servers = lab.spawn("alex", `${listen} & ${talkative}`);
  await until("two servers", async () => (await lab.root("ss -ltnH")).stdout.match(/:700[01] /g)?.length === 2);
  const [digests, farewells, nobody] = await Promise.all(
    [7000, 7001, 7002].map((port) => forwardPort(lab.machine.channel, port)),
  );
  assert.ok(digests && farewells && nobody);
  const bytes = randomBytes(1_000_000);
  const digest = createHash("sha256").update(bytes).digest("hex");
  const numbers = Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join("");
  for (const answer of await Promise.all([askPort(digests.port, bytes), askPort(digests.port, bytes)]))
    assert.ok(answer === `${digest}  -\n${numbers}`, `${answer.length} bytes: ${answer.slice(0, 70)}`);
  assert.equal(await askPort(farewells.port), "bye\n");
  assert.equal(await askPort(nobody.port), "");
  for (const { close } of [digests, farewells, nobody]) await close();
  servers.kill();
  await servers.result;
  await until("the end of all", async () => (await lab.root("pgrep -x socat")).code === 1);
});

/** All that a port answers until its end, whose own end of the connection comes after these bytes, or without them later. */
async function askPort(port: number, bytes?: Uint8Array): Promise<string> {
  const socket = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
  if (bytes !== undefined) socket.end(bytes);
  const answer = await text(socket);
  socket.end();
  return answer;
}

section("files pass between host and machine", async (lab) => {
  await lab.alex("echo from alex > /opt/lab/exchange/note", { check: true });
  assert.equal(await readFile(`${lab.exchangeDirectory}/note`, "utf8"), "from alex\n");
  assert.equal((await lab.root("touch /opt/hostdev/x")).code, 1);
});

section("vfio works: alex's guest drives the NIC by DMA and interrupts", async (lab) => {
  const group = (await lab.root(`basename $(readlink ${nic}/iommu_group)`)).stdout.trim();
  const guest =
    `timeout 50 qemu-system-x86_64 -M q35 -accel tcg -m 64 -nodefaults -no-user-config -display none -serial stdio -no-reboot ` +
    `-bios /opt/lab/guest.rom -device isa-debug-exit,iobase=0xf4,iosize=4 -netdev user,id=n -device vfio-pci,host=0000:01:00.0`;
  const denied = await lab.alex(guest);
  assert.match(denied.stderr, /no such host device|Could not open|Permission denied|failed to open/);
  const lend = `
    set -e
    modprobe vfio-pci
    echo vfio-pci > ${nic}/driver_override
    echo 0000:01:00.0 > ${nic}/driver/unbind
    echo 0000:01:00.0 > /sys/bus/pci/drivers_probe
    udevadm settle
    chown alex /dev/vfio/${group}
    basename $(readlink ${nic}/driver)`;
  assert.equal((await lab.root(lend, { check: true })).stdout, "vfio-pci\n");
  const tooLow = await lab.alex(guest);
  assert.match(tooLow.stderr, /Cannot allocate memory/);
  const limited = await lab.root(
    `prlimit --memlock=${128 << 20}:${128 << 20} setpriv --reuid=alex --regid=alex --init-groups ${guest}`,
  );
  const giveBack = `
    echo 0000:01:00.0 > ${nic}/driver/unbind
    echo > ${nic}/driver_override
    echo 0000:01:00.0 > /sys/bus/pci/drivers_probe
    udevadm settle
    basename $(readlink ${nic}/driver); cat ${nic}/driver_override`;
  assert.equal((await lab.root(giveBack, { check: true })).stdout, "e1000e\n(null)\n");
  assert.match(limited.stdout, /^guest: PASS devices=1$/m, limited.stderr);
});

section("snapshots see what changes, and nothing else", async (lab) => {
  const before = await takeSnapshot(lab);
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  const user = lab.spawn("alex", "sleep 60");
  await lab.root(`modprobe vfio-pci; echo pci-stub > ${nic}/driver_override; touch /etc/new; chmod 600 /etc/fstab`);
  await lab.root("echo alex - memlock 65536 > /etc/security/limits.d/x.conf");
  const differences = diffSnapshots(before, await takeSnapshot(lab), [/^module/, /^sha256/]);
  assert.deepEqual(differences, [
    'file/etc/fstab changed from "f 644 root:root" to "f 600 root:root"',
    "file/etc/new appeared: f 644 root:root",
    "file/etc/security/limits.d/x.conf appeared: f 644 root:root",
    'login/alex/memlock changed from "8192 8192" to "65536 65536"',
    'pci/0000:01:00.0/driver_override changed from "(null)" to "pci-stub"',
  ]);
  user.kill();
  await lab.root(`echo > ${nic}/driver_override; rm /etc/new /etc/security/limits.d/x.conf; chmod 644 /etc/fstab`);
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab), [/^module/]), []);
});

section("a reboot keeps the disks and forgets the rest; another topology moves the devices", async (lab) => {
  const bootId = async () => (await lab.root("cat /proc/sys/kernel/random/boot_id")).stdout;
  const first = await bootId();
  await lab.root("echo kept > /etc/kept; touch /run/forgotten; echo x > /dev/nvme0n1");
  await lab.reboot({ topology: { devices: [rootPort("new-port"), ...smallZoo.devices] } });
  assert.notEqual(await bootId(), first);
  assert.equal((await lab.root("cat /etc/kept; ls /run/forgotten; head -c 1 /dev/nvme0n1")).stdout, "kept\nx");
  assert.equal((await lab.root("basename $(readlink /sys/bus/pci/devices/0000:02:00.0/driver)")).stdout, "e1000e\n");
  await lab.root("echo unsynced > /etc/lost; echo synced > /etc/crash; sync -f /etc/crash");
  await lab.reboot({ topology: smallZoo, crash: true });
  assert.match((await lab.root("cat /etc/crash")).stdout, /synced/);
});
