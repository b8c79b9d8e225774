// SPDX-License-Identifier: Apache-2.0

import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { KiB } from "../core/units.ts";
import type { Domain } from "../domain/domain.ts";
import { filesOf, hostdevAddresses, iommuCount, memoryBytes } from "../domain/facts.ts";
import { parseDomain } from "../domain/parse.ts";
import { pinnedRequirement } from "../memlock/requirement.ts";
import { formatPciAddress } from "../pci/address.ts";
import { isExpress } from "../pci/express.ts";
import { pciDevices } from "../pci/sysfs.ts";
import { buildArguments } from "../qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../qemu/capabilities.ts";
import { assertRunnable } from "./assert-runnable.ts";
import type { Launch } from "./running-vm.ts";
import { sessionEnvironment } from "./session-environment.ts";
import type { VmNeeds } from "./vm-needs.ts";

const defaultEmulator = "/usr/bin/qemu-system-x86_64";

/**
 * Reads a user's domain for this machine: what of its devices is PCI Express decides where the guest sees them.
 *
 * @param file its name, for errors.
 * @throws {HostdevError} as `parseDomain`; `HD_DOMAIN_UNSUPPORTED` for what only a daemon could run.
 */
export function readVm(host: Host, text: string, file: string): Domain {
  const domain = parseDomain(text, {
    file,
    expressness: (address) => {
      const name = formatPciAddress(address);
      if (host.status(`${pciDevices}/${name}`) === undefined) return undefined;
      return isExpress(host, name) ? "pcie" : "pci";
    },
  });
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
  };
}

/** What QEMU gives a card when the domain does not say: 16 MiB; qxl has 64 MiB beside. */
function videoMemoryKiB({ model }: Domain["devices"]["videos"][number]): number {
  if (model?.type === "none") return 0;
  return (model?.vramKiB ?? 16384) + (model?.ramKiB ?? (model?.type === "qxl" ? 65536 : 0));
}

/** A VM ready to be started, with the socket of its console. */
export interface PlannedVm {
  readonly launch: Launch;
  /** The folder for its sockets; made by `runInForeground`'s caller, and to be removed after. */
  readonly directory: string;
  readonly consolePath: string | undefined;
}

/**
 * Makes the QEMU command line for running the domain as the caller. Its first serial port, when it is a pty, becomes
 * a socket in `directory`, for the terminal.
 *
 * Touches: runs the emulator with `--version`. Needs: nothing.
 * @throws {HostdevError} `HD_QEMU_NOT_FOUND`, `HD_QEMU_FAILED`; `HD_DOMAIN_UNSUPPORTED` for what this QEMU lacks.
 */
export async function planLaunch(host: Host, domain: Domain, directory: string): Promise<PlannedVm> {
  const needs = vmNeeds(domain);
  const capabilities = capabilitiesOf(parseQemuVersion(await readQemuVersion(host, needs.emulator)));
  const consolePath = redirectConsole(domain, `${directory}/console.sock`);
  const monitorPath = `${directory}/monitor.sock`;
  const environment = sessionEnvironment(host, { capabilities, emulator: needs.emulator, directory, monitorPath });
  const [emulator = needs.emulator, ...args] = buildArguments(domain, environment);
  return {
    launch: {
      name: domain.name,
      emulator,
      args,
      memlockBytes: needs.hostDevices.length > 0 ? needs.memlock.bytes : 0,
      monitorPath,
    },
    directory,
    consolePath,
  };
}

async function readQemuVersion(host: Host, emulator: string): Promise<string> {
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

/** @returns the socket's path; `undefined` when the domain has no serial port for a terminal. */
function redirectConsole(domain: Domain, path: string): string | undefined {
  const [serial] = domain.devices.serials;
  if (serial === undefined || serial.type !== "pty") return undefined;
  domain.devices.serials[0] = {
    ...serial,
    type: "unix",
    source: { mode: "bind", path, labels: [] },
  } as Domain["devices"]["serials"][number];
  return path;
}
