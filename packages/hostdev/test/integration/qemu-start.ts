// SPDX-License-Identifier: Apache-2.0

/** Starts a QEMU, this machine's or the one named by `HOSTDEV_TEST_QEMU`, paused with our arguments and looks at it from inside. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { realHost } from "../../src/core/real-host.ts";
import { pciDevices } from "../../src/domain/addresses/pci-devices.ts";
import { findController } from "../../src/domain/controllers.ts";
import type { Domain } from "../../src/domain/domain.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../../src/qemu/capabilities.ts";
import type { QemuEnvironment } from "../../src/qemu/environment.ts";
import { startCommands } from "../../src/qemu/start-commands.ts";
import { readFirmware } from "../../src/session/host-firmware.ts";
import { type QmpSession, qmpSession } from "./qemu-tools.ts";

export const emulator = process.env["HOSTDEV_TEST_QEMU"] ?? "qemu-system-x86_64";
const version = spawnSync(emulator, ["--version"], { encoding: "utf8" });
export const hasKvm = canOpen("/dev/kvm");
/** Why no QEMU can be started at all. */
export const noQemu = version.status === 0 ? false : `there is no ${emulator}: apt-get install qemu-system-x86`;

/** What QEMU says when it, or the kernel, lacks something: no fault of the arguments. */
const lacks =
  /kernel doesn't allow|not supported by (the )?(host|kernel)|is not a valid device model name|unsupported machine type|module .* not found|There is no option group|Parameter 'driver' does not accept|Invalid parameter '(?:spicevmc|spice|dbus)'|Could not find .* audio/;

/**
 * Starts QEMU, gives it the commands that go with its arguments, and compares what it has with the domain.
 *
 * @returns what it said when it did not stay, and whether that is only something that this machine has not;
 * `undefined` when all is as it should be.
 */
export async function startAndCheck(
  domain: Domain,
  environment: QemuEnvironment,
): Promise<{ readonly said: string; readonly isLacking: boolean } | undefined> {
  const [command = "", ...args] = buildArguments(domain, environment);
  const qemu = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let errors = "";
  qemu.stderr.on("data", (chunk) => {
    errors += chunk;
  });
  const ended = new Promise<void>((resolve) => qemu.on("close", () => resolve()));
  try {
    const qmp = await qmpSession("path" in environment.monitor ? environment.monitor.path : "", ended);
    if (qmp === undefined) {
      await ended;
      return { said: errors.trim(), isLacking: lacks.test(errors) };
    }
    for (const { execute, arguments: given } of startCommands(domain)) await qmp.execute(execute, given);
    await checkNames(qmp, args);
    await checkAddresses(qmp, domain);
    await qmp.execute("quit").catch(() => undefined);
    return undefined;
  } finally {
    qemu.kill("SIGKILL");
    await ended;
    // QEMU leaves shared memory behind, and the next one to run this may be another user.
    for (const { name } of domain.devices.shmems) rmSync(`/dev/shm/${name}`, { force: true });
  }
}

/** Every device that has a name is there under it. */
async function checkNames(qmp: QmpSession, args: readonly string[]): Promise<void> {
  const listed = (await qmp.execute("qom-list", { path: "/machine/peripheral" })) as { name: string }[];
  const present = new Set(listed.map(({ name }) => name));
  for (const [index, option] of args.entries()) {
    const value = args[index + 1] ?? "";
    if (option !== "-device" || !value.startsWith("{")) continue;
    const { id } = JSON.parse(value) as { id?: string };
    if (id !== undefined) assert.ok(present.has(id), `${id} is in the machine`);
  }
}

async function checkAddresses(qmp: QmpSession, domain: Domain): Promise<void> {
  // Controllers of the chipset, and companions of USB controllers, have no name in QEMU.
  for (const { device, controller: self } of pciDevices(domain, () => undefined)) {
    const { alias, address } = device;
    const isUnnamed = isOfChipset(domain, alias) || (self?.type === "usb" && self.masterStartPort !== undefined);
    if (alias === undefined || address?.type !== "pci" || isUnnamed) continue;
    const path = `/machine/peripheral/${alias}`;
    const addr = await qmp.execute("qom-get", { path, property: "addr" });
    assert.equal(addr, (address.device << 3) + address.function, `slot and function of ${alias}`);
    const bus: string = String(await qmp.execute("qom-get", { path, property: "parent_bus" }));
    const controller = findController(domain, "pci", address.bus);
    const root = controller?.model === "pcie-root" ? "pcie.0" : "pci.0";
    const name = address.bus === 0 ? root : controller?.alias;
    assert.equal(bus.slice(bus.lastIndexOf("/") + 1), name, `bus of ${alias}`);
  }
}

function isOfChipset(domain: Domain, alias: string | undefined): boolean {
  const isQ35 = domain.os.type.machine?.includes("q35") === true;
  return alias === "ide" || (isQ35 && (alias === "sata0" || alias === "ide0"));
}

/** What the arguments depend on, for a domain whose sockets and files are in this folder. */
export function environmentIn(directory: string): QemuEnvironment {
  return {
    capabilities: capabilitiesOf(parseQemuVersion(version.stdout)),
    emulator,
    runtimeDirectory: directory,
    memoryDirectory: directory,
    nvramDirectory: directory,
    tpmSocket: join(directory, "tpm.sock"),
    passtSocket: (alias) => join(directory, `${alias}.sock`),
    dbusSocket: join(directory, "dbus.sock"),
    monitor: { path: join(directory, "qmp.sock") },
    startPaused: true,
    kvm: hasKvm,
    hugepages: [],
    hostNodes: [0],
    // Any port that nobody else is likely to have; each test process has its own.
    ports: {
      vnc: 20000 + (process.pid % 10000),
      spice: 30000 + (process.pid % 10000),
      websocket: 50000 + (process.pid % 10000),
      spiceTls: 40000 + (process.pid % 10000),
    },
    firmware: readFirmware(realHost()),
    isCdromDrive: () => false,
    spicePassword: false,
    now: new Date(0),
    descriptors: {},
    sandbox: "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
  };
}

function canOpen(path: string): boolean {
  try {
    closeSync(openSync(path, "r+"));
    return true;
  } catch {
    return false; // Whatever the reason: then it cannot be used here.
  }
}
