// SPDX-License-Identifier: Apache-2.0

/**
 * The recorded domains on the QEMU of this machine: it must start paused with our arguments, take the commands that
 * go with them, and show every PCI device at the address that the domain says. Domains with devices of the host are
 * left to the lab.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { HostdevError } from "../../src/core/errors.ts";
import { pciDevices } from "../../src/domain/addresses/pci-devices.ts";
import type { Domain } from "../../src/domain/domain.ts";
import { parseDomain } from "../../src/domain/parse.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../../src/qemu/capabilities.ts";
import type { QemuEnvironment } from "../../src/qemu/environment.ts";
import { startCommands } from "../../src/qemu/start-commands.ts";
import { goldenFolder } from "../golden/golden-folder.ts";
import { emptyQcow2, qmpSession } from "./qemu-tools.ts";

const folder = goldenFolder("domain");
const emulator = "qemu-system-x86_64";
const version = spawnSync(emulator, ["--version"], { encoding: "utf8" });
const hasKvm = canOpen("/dev/kvm");
const skip = version.status === 0 ? false : `there is no ${emulator}: apt-get install qemu-system-x86`;

for (const name of readdirSync(folder).sort()) {
  const text = readFileSync(join(folder, name, "in.xml"), "utf8");
  const wantsHost = /<hostdev|type='hostdev'/.test(text) ? "needs devices of the host" : false;
  const unfit = wantsHost || (/type='kvm'/.test(text) && !hasKvm ? "there is no /dev/kvm that we may use" : false);

  test(`buildArguments() starts this machine's QEMU: ${name}`, {
    skip: skip || unfit,
    timeout: 60_000,
  }, async (context) => {
    const directory = mkdtempSync(join(tmpdir(), "hd-qemu-"));
    try {
      const domain = parseDomain(text.replaceAll("/srv/vms", directory), { file: name });
      delete domain.devices.emulator;
      makeFiles(domain, directory);
      const refusal = refusalOf(domain, environmentIn(directory));
      if (refusal !== undefined) return context.skip(refusal);
      const failure = await startAndCheck(domain, environmentIn(directory));
      // What this kernel cannot do is no fault of the arguments.
      if (failure !== undefined && /kernel doesn't allow|not supported by (the )?(host|kernel)/.test(failure))
        return context.skip(failure.trim());
      assert.equal(failure, undefined);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

/** Why an ordinary user of this machine cannot have that domain; told by name, so it is nothing to test here. */
function refusalOf(domain: Domain, environment: QemuEnvironment): string | undefined {
  try {
    buildArguments(domain, environment);
    return undefined;
  } catch (error) {
    if (!(error instanceof HostdevError)) throw error;
    return error.message;
  }
}

/** Starts QEMU and looks at it; what it said when it did not stay, or `undefined`. */
async function startAndCheck(domain: Domain, environment: QemuEnvironment): Promise<string | undefined> {
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
      return errors;
    }
    for (const { execute, arguments: given } of startCommands(domain)) await qmp.execute(execute, given);
    // Controllers of the chipset, and companions of USB controllers, have no name in QEMU.
    for (const { device, controller: self } of pciDevices(domain, () => undefined)) {
      const { alias, address } = device;
      const isUnnamed = alias === "ide" || (self?.type === "usb" && self.masterStartPort !== undefined);
      if (alias === undefined || address?.type !== "pci" || isUnnamed) continue;
      const path = `/machine/peripheral/${alias}`;
      const addr = await qmp.execute("qom-get", { path, property: "addr" });
      assert.equal(addr, (address.device << 3) + address.function, `slot and function of ${alias}`);
      const bus: string = String(await qmp.execute("qom-get", { path, property: "parent_bus" }));
      const controller = domain.devices.controllers.find((one) => one.type === "pci" && one.index === address.bus);
      assert.equal(bus.slice(bus.lastIndexOf("/") + 1), controller?.alias, `bus of ${alias}`);
    }
    await qmp.execute("quit").catch(() => undefined);
    return undefined;
  } finally {
    qemu.kill("SIGKILL");
    await ended;
  }
}

/** The images a domain names: qcow2 ones by their name, all others plain. */
function makeFiles(domain: Domain, directory: string): void {
  mkdirSync(join(directory, "shared"));
  const make = (path: string | undefined) => {
    if (path !== undefined)
      writeFileSync(path, path.endsWith(".qcow2") ? emptyQcow2(1 << 20) : Buffer.alloc(1440 * 1024));
  };
  for (const disk of domain.devices.disks) {
    if (disk.type !== "file") continue;
    make(disk.source?.file);
    for (let store = disk.backingStore; store !== undefined && store.type === "file"; store = store.backingStore)
      make(store.source?.file);
  }
}

function environmentIn(directory: string): QemuEnvironment {
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
      spiceTls: 40000 + (process.pid % 10000),
    },
    firmware: [],
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
