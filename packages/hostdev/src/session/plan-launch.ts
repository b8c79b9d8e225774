// SPDX-License-Identifier: Apache-2.0

import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { KiB } from "../core/units.ts";
import type { Domain } from "../domain/domain.ts";
import { filesOf, hostdevAddresses, iommuCount, memoryBytes } from "../domain/facts.ts";
import { pinnedRequirement } from "../memlock/requirement.ts";
import { formatPciAddress } from "../pci/address.ts";
import { buildArguments, environmentOf } from "../qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../qemu/capabilities.ts";
import type { QemuEnvironment } from "../qemu/environment.ts";
import { assertQueuesFit } from "../qemu/queue-limits.ts";
import { assertRunnable } from "./assert-runnable.ts";
import { bridgeCards } from "./bridge-cards.ts";
import { parseForHost } from "./parse-for-host.ts";
import { sessionEnvironment } from "./session-environment.ts";
import { locateUsbDevices } from "./usb-devices.ts";
import type { VmNeeds } from "./vm-needs.ts";
import type { Launch } from "./vm-process.ts";

/** The emulator of a domain that names none. */
export const defaultEmulator = "/usr/bin/qemu-system-x86_64";

/**
 * Reads a user's domain for running it on this machine.
 *
 * @param file its name, for errors.
 * @throws {HostdevError} as `parseDomain`; `HD_DOMAIN_UNSUPPORTED` for what only a daemon could run.
 */
export function readVm(host: Host, text: string, file: string): Domain {
  const domain = parseForHost(host, text, file);
  assertRunnable(domain);
  return domain;
}

/** What the domain wants from its host. Pure. */
export function vmNeeds(domain: Domain): VmNeeds {
  const hostDevices = hostdevAddresses(domain).map(formatPciAddress);
  const videoKiB = domain.devices.videos.reduce((sum, video) => sum + videoMemoryKiB(video), 0);
  return {
    name: domain.name,
    memoryBytes: memoryBytes(domain),
    hostDevices,
    memlock: pinnedRequirement({
      guestBytes: memoryBytes(domain),
      videoBytes: videoKiB * KiB,
      addressSpaces: iommuCount(domain) > 0 ? hostDevices.length : 1,
    }),
    files: filesOf(domain).map(({ path, purpose, writable }) => ({
      path,
      what: purpose,
      access: writable ? "read-write" : "read",
    })),
    emulator: domain.devices.emulator ?? defaultEmulator,
    isKvm: domain.type === "kvm",
    domain,
  };
}

/** How much QEMU locks. With `<locked/>` that is all it has, and how much it has shows only when it runs. */
function lockedBytes({ domain, hostDevices, memlock }: VmNeeds): number | "all" {
  if (domain.memoryBacking?.locked === true) return "all";
  return hostDevices.length > 0 ? memlock.bytes : 0;
}

/** What QEMU gives a card when the domain does not say: 16 MiB; qxl has 64 MiB beside. */
function videoMemoryKiB({ model }: Domain["devices"]["videos"][number]): number {
  if (model?.type === "none") return 0;
  return (model?.vramKiB ?? 16384) + (model?.ramKiB ?? (model?.type === "qxl" ? 65536 : 0));
}

/** Where a VM's files go while it runs. */
export interface LaunchPlace {
  /** The folder for its sockets, which is there. */
  readonly directory: string;
  /** What QEMU says. */
  readonly logPath: string;
}

/** The monitor's socket of a VM that has its sockets in this folder. */
export function monitorPath(directory: string): string {
  return `${directory}/monitor.sock`;
}

/**
 * Makes the QEMU command line for running the domain as the caller.
 *
 * Touches: runs the emulator with `--version`; the domain's USB devices get the addresses where they are. Needs: nothing.
 * @throws {HostdevError} `HD_QEMU_NOT_FOUND`, `HD_QEMU_FAILED`; `HD_DOMAIN_UNSUPPORTED` for what this QEMU lacks.
 */
export async function planLaunch(host: Host, domain: Domain, { directory, logPath }: LaunchPlace): Promise<Launch> {
  locateUsbDevices(host, domain);
  const needs = vmNeeds(domain);
  const environment = await launchEnvironment(host, domain, directory);
  assertQueuesFit(domain, environment.capabilities.version);
  const [emulator = needs.emulator, ...args] = buildArguments(domain, environment);
  return {
    name: domain.name,
    emulator,
    args,
    memlockBytes: lockedBytes(needs),
    monitorPath: monitorPath(directory),
    logPath,
    environment: environmentOf(domain),
    bridgeCards: bridgeCards(domain, environment),
  };
}

/**
 * What the arguments for a domain depend on here, also those for a device that is plugged into it later.
 *
 * @throws {HostdevError} `HD_QEMU_NOT_FOUND`, `HD_QEMU_FAILED`.
 */
export async function launchEnvironment(host: Host, domain: Domain, directory: string): Promise<QemuEnvironment> {
  const emulator = domain.devices.emulator ?? defaultEmulator;
  const capabilities = capabilitiesOf(parseQemuVersion(await readQemuVersion(host, emulator)));
  return sessionEnvironment(host, { capabilities, emulator, directory, monitorPath: monitorPath(directory) });
}

/**
 * Makes the domain's first serial port, when it is a pty, a socket, for a terminal that is connected before the guest
 * runs: of a pty, what is said before somebody listens is lost.
 *
 * @returns the socket's path; `undefined` when the domain has no such port.
 */
export function redirectConsole(domain: Domain, directory: string): string | undefined {
  const [serial] = domain.devices.serials;
  if (serial === undefined || serial.type !== "pty") return undefined;
  const path = `${directory}/console.sock`;
  domain.devices.serials[0] = {
    ...serial,
    type: "unix",
    source: { mode: "bind", path, labels: [] },
  } as Domain["devices"]["serials"][number];
  return path;
}

/** What emulators said of themselves: asking takes a third of the time that a VM takes to start. */
const knownVersions = new WeakMap<Host, Map<string, string>>();

async function readQemuVersion(host: Host, emulator: string): Promise<string> {
  const path = host.realPath(emulator) ?? emulator;
  // Another release under the same name is of another size.
  const key = `${path} ${host.status(path)?.sizeBytes}`;
  const known = knownVersions.get(host) ?? new Map<string, string>();
  knownVersions.set(host, known);
  const version = known.get(key) ?? (await askQemuVersion(host, emulator));
  known.set(key, version);
  return version;
}

async function askQemuVersion(host: Host, emulator: string): Promise<string> {
  try {
    const { status, stdout, stderr } = await host.run(emulator, ["--version"]);
    if (status === 0) return stdout;
    const details = { status, signal: null, output: stderr.trim() };
    throw new HostdevError("HD_QEMU_FAILED", `${emulator} does not tell its version`, details);
  } catch (error) {
    if (!(error instanceof HostdevError) || error.code !== "HD_COMMAND_NOT_FOUND") throw error;
    throw new HostdevError(
      "HD_QEMU_NOT_FOUND",
      `There is no QEMU at ${emulator}`,
      { binary: emulator },
      { cause: error },
    );
  }
}
