// SPDX-License-Identifier: Apache-2.0

/** A session on this machine with the real QEMU: whole lives of domains, and what they tell. No KVM is needed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { domainState, stateReason } from "../../src/session/domain-state.ts";
import type { Session, SessionEvent } from "../../src/session/session-api.ts";
import { home } from "./session-home.ts";

const hasQemu = spawnSync("qemu-system-x86_64", ["--version"]).status === 0;
const options = { skip: hasQemu ? false : "there is no qemu-system-x86_64", timeout: 120_000 };

const uuid = "6b1a5f5e-1d0e-4c1f-8f57-0a6a1e6f0b01";
const xml = (devices = "", more = "") => `<domain type='qemu'>
  <name>one</name><uuid>${uuid}</uuid><memory unit='MiB'>64</memory>
  <os><type machine='q35'>hvm</type></os>${more}
  <devices><controller type='pci' index='0' model='pcie-root'/>
    ${"<controller type='pci' model='pcie-root-port'/>".repeat(6)}
    <serial type='pty'/>${devices}</devices></domain>`;

/** What a session tells, in short, from now on. */
function listen(session: Session): string[] {
  const told: string[] = [];
  session.onEvent((_, event: SessionEvent) => {
    told.push(
      event.kind === "lifecycle"
        ? `${event.event}/${event.detail}`
        : `${event.kind} ${"alias" in event ? event.alias : ""}`.trim(),
    );
  });
  return told;
}

async function until(isTrue: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !isTrue(); await new Promise((resolve) => setTimeout(resolve, 20)))
    assert.ok(Date.now() < end, `waited 20 s for ${what}`);
}

const shutOff = (reason: number) => ({ state: domainState.shutOff, reason });

test("a domain's life has libvirt's states and events, in libvirt's order", options, async (context) => {
  const { open } = home(context);
  const session = await open();
  const told = listen(session);
  const domain = await session.defineXml(xml());
  assert.deepEqual(told.splice(0), ["0/0"]);
  await domain.start();
  assert.deepEqual(told.splice(0), ["4/0", "2/0"]);
  assert.deepEqual(domain.state, { state: domainState.running, reason: stateReason.running.booted });
  await domain.suspend();
  assert.deepEqual(domain.state, { state: domainState.paused, reason: stateReason.paused.user });
  await domain.resume();
  assert.deepEqual(domain.state, { state: domainState.running, reason: stateReason.running.unpaused });
  assert.deepEqual(told.splice(0), ["3/0", "4/0"]);
  await domain.reset();
  await until(() => told.includes("reboot"), "the event of the reset");
  told.splice(0);
  await domain.destroy();
  assert.deepEqual(told.splice(0), ["6/2", "5/1"]);
  assert.deepEqual(domain.state, shutOff(stateReason.shutOff.destroyed));
  await domain.start({ paused: true });
  assert.deepEqual(told.splice(0), ["2/0", "3/0"]);
  process.kill(domain.pid ?? 0, "SIGKILL");
  await until(() => !domain.isActive, "the end of QEMU");
  assert.deepEqual(told.splice(0), ["5/5"]);
  assert.deepEqual(domain.state, shutOff(stateReason.shutOff.crashed));
  await domain.start();
  process.kill(domain.pid ?? 0, "SIGTERM");
  await until(() => !domain.isActive, "the end of QEMU");
  assert.deepEqual(told.splice(0), ["4/0", "2/0", "6/2", "5/0"]);
  assert.deepEqual(domain.state, shutOff(stateReason.shutOff.shutdown));
  await domain.undefine();
  assert.deepEqual(told.splice(0), ["1/0"]);
  assert.deepEqual(session.list(), []);
  await session.close();
});

test("a running domain is taken over by the next session, and then obeys it", options, async (context) => {
  const { directory, open } = home(context);
  const first = await open();
  await first.defineXml(xml());
  const transient = xml().replace("<name>one", "<name>two").replace(uuid, uuid.replace(/^6/, "7"));
  await first.createXml(transient, { paused: true });
  await first.byName("one").start();
  const before = first.list().map((domain) => [domain.reference, domain.pid, domain.state, domain.getXml()]);
  await first.close();
  const second = await open();
  const after = second.list().map((domain) => [domain.reference, domain.pid, domain.state, domain.getXml()]);
  assert.deepEqual(after, before);
  assert.deepEqual(second.problems, []);
  const told = listen(second);
  await second.byName("two").resume();
  assert.equal(second.byName("two").state.state, domainState.running);
  await second.byName("two").destroy();
  await second.byName("one").destroy({ graceful: true });
  assert.deepEqual(told, ["4/0", "6/2", "5/1", "6/2", "5/1"]);
  assert.deepEqual(
    second.list().map(({ reference }) => reference.name),
    ["one"],
  );
  await second.close();
  assert.deepEqual(readdirSync(join(directory, "hostdev/status")), []);
  assert.equal(statSync(join(directory, "hostdev")).mode & 0o777, 0o700);
});

test("a QEMU that dies while nobody looks is noticed by the next session", options, async (context) => {
  const { open } = home(context);
  const first = await open();
  const domain = await first.defineXml(xml());
  await domain.start();
  const pid = domain.pid ?? 0;
  await first.close();
  process.kill(pid, "SIGKILL");
  await until(() => !existsSync(`/proc/${pid}`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8")), "its end");
  const second = await open();
  assert.deepEqual(second.byName("one").state, shutOff(stateReason.shutOff.crashed));
  await second.byName("one").start();
  await second.close();
});

test(
  "a start that QEMU refuses leaves the domain shut off, failed, with QEMU's words; a transient one goes",
  options,
  async (context) => {
    const { open } = home(context);
    const session = await open();
    const told = listen(session);
    const bad = xml(
      "",
      "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-nonsense'/></qemu:commandline>",
    );
    const domain = await session.defineXml(bad);
    told.splice(0);
    await assert.rejects(
      domain.start(),
      (error) => isHostdevError(error, "HD_QEMU_FAILED") && /nonsense/.test(error.message),
    );
    assert.deepEqual(domain.state, shutOff(stateReason.shutOff.failed));
    await domain.undefine();
    assert.deepEqual(told, ["1/0"]);
    await assert.rejects(session.createXml(bad), (error) => isHostdevError(error, "HD_QEMU_FAILED"));
    assert.deepEqual(session.list(), []);
    await session.close();
  },
);

test("disks, interfaces and drives' media come and go while the guest runs", options, async (context) => {
  const { directory, open } = home(context);
  for (const name of ["a.img", "b.img", "c.iso"]) {
    writeFileSync(join(directory, name), "");
    truncateSync(join(directory, name), 1 << 20);
  }
  const session = await open();
  const told = listen(session);
  const drive = (file: string) =>
    `<disk type='file' device='cdrom'>${file === "" ? "" : `<source file='${directory}/${file}'/>`}<target dev='sda' bus='sata'/></disk>`;
  const domain = await session.defineXml(xml(drive("")));
  await domain.start({ paused: true });
  told.splice(0);
  const disk = `<disk type='file'><source file='${directory}/a.img'/><target dev='vda' bus='virtio'/></disk>`;
  await domain.attachDevice(disk, "both");
  await domain.attachDevice(
    "<interface type='user'><mac address='52:54:00:00:00:01'/><model type='virtio'/></interface>",
    "live",
  );
  assert.deepEqual(told.splice(0), ["device-added virtio-disk0", "device-added net0"]);
  assert.match(domain.getXml(), /<alias name='virtio-disk0'\/>/);
  assert.match(domain.getXml({ inactive: true }), /vda/);
  assert.doesNotMatch(domain.getXml({ inactive: true }), /52:54:00:00:00:01/);
  await assert.rejects(domain.attachDevice(disk, "live"), (error) => isHostdevError(error, "HD_GUEST_DEVICE_EXISTS"));
  assert.equal((await domain.blockInfo("vda")).capacity, 1048576n);
  await domain.updateDevice(drive("c.iso"), "both");
  assert.match(domain.getXml(), /c\.iso/);
  assert.equal((await domain.blockInfo("sda")).physical, 1048576n);
  const stats = await domain.stats(["state", "cpu", "balloon", "vcpu", "interface", "block"]);
  const value = (field: string) => stats.find((one) => one.field === field)?.value;
  assert.equal(value("state.state"), domainState.paused);
  assert.equal(value("block.count"), 2);
  assert.equal(value("balloon.maximum"), 65536n);
  // A guest that is paused cannot let anything go.
  assert.equal(await domain.detachDevice(disk, "live"), "requested");
  assert.match(domain.getXml(), /vda/);
  await session.close();
});

const withTpm = ["swtpm", "swtpm_setup"].every((program) => spawnSync(program, ["--version"]).error === undefined);

test("a TPM keeps its secrets over runs, and ends with its VM", {
  ...options,
  skip: options.skip || (withTpm ? false : "there is no swtpm"),
}, async (context) => {
  const { directory, open } = home(context);
  const session = await open();
  const domain = await session.defineXml(xml("<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"));
  const helpers = () => spawnSync("pgrep", ["-f", `swtpm socket.*${directory}`], { encoding: "utf8" }).stdout.trim();
  await domain.start({ paused: true });
  assert.notEqual(helpers(), "");
  await domain.destroy();
  await until(() => helpers() === "", "the end of swtpm");
  const state = join(directory, "hostdev/state", uuid, "tpm/tpm2-00.permall");
  const secrets = readFileSync(state);
  await domain.start({ paused: true });
  await domain.destroy();
  assert.deepEqual(readFileSync(state), secrets);
});

const noPasst =
  process.geteuid?.() === 0 ? "passt is not for root" : spawnSync("passt", ["--version"]).error && "there is no passt";

test("a network by passt is there when the VM is", {
  ...options,
  skip: options.skip || (noPasst ?? false),
}, async (context) => {
  const { open } = home(context);
  const session = await open();
  const domain = await session.createXml(
    xml("<interface type='user'><backend type='passt'/><model type='virtio'/></interface>"),
    {
      paused: true,
    },
  );
  assert.equal(domain.interfaces().length, 1);
  await domain.destroy();
});
