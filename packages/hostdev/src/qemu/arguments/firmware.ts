// SPDX-License-Identifier: Apache-2.0

import type { Storage } from "../../domain/devices/storage-source.ts";
/** The guest's firmware: a ROM, or flash memory with variables. libvirt: qemu_firmware.c, qemuBuildPflashBlockdevCommandLine. */
import type { Domain } from "../../domain/domain.ts";
import { chipsetOf } from "../../domain/machine.ts";
import type { Nvram } from "../../domain/os.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import type { QemuEnvironment } from "../environment.ts";
import type { FirmwareDescriptor } from "../firmware.ts";
import { storageProperties } from "./block-nodes.ts";
import { type Build, json } from "./options.ts";

/** The firmware a domain boots with, resolved. */
export interface Firmware {
  /** `-bios`. */
  readonly bios?: string | undefined;
  readonly code?: { readonly path: string; readonly format: "raw" | "qcow2"; readonly readOnly: boolean };
  readonly variables?: { readonly storage: Storage; readonly format: "raw" | "qcow2" };
  /** The file that a missing variable store is made from. */
  readonly template?: string | undefined;
  /** The flash can be written only from system management mode. */
  readonly secure: boolean;
  readonly needsSmm: boolean;
}

/** Decides on the firmware: what the XML names, or the first of the machine's that fits. */
export function firmwareOf(build: Build): Firmware {
  const { os } = build.domain;
  const { loader } = os;
  if (loader?.path !== undefined) return namedFirmware(build, loader.path);
  if (os.firmware === undefined) {
    if (loader !== undefined || os.nvram !== undefined) {
      throw invalid(
        loader ?? os.nvram ?? os,
        "the firmware is not named; give the <loader> a path, or <os> firmware='efi'",
      );
    }
    return { secure: false, needsSmm: false };
  }
  return chosenFirmware(build, choose(build));
}

function namedFirmware(build: Build, path: string): Firmware {
  const { os } = build.domain;
  const { loader, nvram } = os;
  if ((loader?.type ?? "rom") === "rom") return { bios: path, secure: false, needsSmm: false };
  const known = build.environment.firmware.find((descriptor) => descriptor.executable.path === path);
  if (os.firmware !== undefined && known === undefined) {
    throw unsupported(
      loader ?? os,
      `${path} is not among the firmware of this machine, so what it can do is not known`,
      "a <loader> of an installed firmware, or <os> without firmware='efi'",
    );
  }
  const format = loader?.format ?? known?.executable.format ?? "raw";
  const secure = loader?.secure === true;
  const code = { path, format, readOnly: loader?.readonly ?? false };
  const smm = os.firmware === undefined ? false : (known?.features.includes("requires-smm") ?? false);
  if (loader?.stateless === true || loader?.readonly !== true) return { code, secure, needsSmm: smm };
  const template = templateOf(nvram) ?? known?.nvramTemplate?.path;
  return { code, variables: variablesOf(build, nvram, format), template, secure: secure || smm, needsSmm: smm };
}

function chosenFirmware(build: Build, descriptor: FirmwareDescriptor): Firmware {
  const { path, format } = descriptor.executable;
  if (descriptor.interface === "bios") return { bios: path, secure: false, needsSmm: false };
  const needsSmm = descriptor.features.includes("requires-smm");
  const code = { path, format, readOnly: true };
  if (descriptor.nvramTemplate === undefined) return { code, secure: needsSmm, needsSmm };
  const template = templateOf(build.domain.os.nvram) ?? descriptor.nvramTemplate.path;
  return { code, variables: variablesOf(build, build.domain.os.nvram, format), template, secure: needsSmm, needsSmm };
}

/** The file that keeps the guest's firmware variables, and the one that it is made from when it is missing. */
export interface NvramFile {
  readonly path: string;
  readonly template: string | undefined;
}

/**
 * Which file must exist before a start, for the firmware's variables.
 *
 * @returns `undefined` when the firmware keeps none, or keeps them elsewhere than in a file.
 */
export function nvramFile(domain: Domain, environment: QemuEnvironment): NvramFile | undefined {
  const { variables, template } = firmwareOf({ domain, environment, fdSets: { next: 0 } });
  const path = variables?.storage.type === "file" ? variables.storage.source?.file : undefined;
  return path === undefined ? undefined : { path, template };
}

function templateOf(nvram: Nvram | undefined): string | undefined {
  return nvram?.template;
}

/** The store of the variables: where the XML says, or a file named after the domain. */
function variablesOf({ domain, environment }: Build, nvram: Nvram | undefined, codeFormat: "raw" | "qcow2") {
  const format = nvram?.format ?? codeFormat;
  if (format !== codeFormat && nvram?.template === undefined) {
    throw unsupported(
      nvram ?? domain.os,
      `variables in format ${format} for firmware in format ${codeFormat} have no template`,
      "one format for both, or a template",
    );
  }
  if (nvram !== undefined && nvram.type !== "")
    return { storage: { type: nvram.type, source: nvram.source } as Storage, format };
  const suffix = format === "qcow2" ? "qcow2" : "fd";
  const file = nvram?.path ?? `${environment.nvramDirectory}/${domain.name}_VARS.${suffix}`;
  return { storage: { type: "file", source: { file, labels: [] } } as Storage, format };
}

function choose({ domain, environment }: Build): FirmwareDescriptor {
  const { os, features } = domain;
  const kind = os.firmware === "efi" ? "uefi" : "bios";
  const machine = os.type.machine ?? "pc";
  const fullName = machine === "q35" || machine === "pc" ? `pc-${chipsetOf(domain)}-` : machine;
  const feature = (name: string) => os.firmwareFeatures?.features.find((entry) => entry.name === name)?.enabled;
  const secureBoot = feature("secure-boot");
  const enrolled = feature("enrolled-keys");
  const wanted = (descriptor: FirmwareDescriptor) =>
    descriptor.interface === kind &&
    descriptor.machines.some((pattern) => fullName.startsWith(pattern.replace(/\*.*$/, ""))) &&
    (os.loader?.format === undefined
      ? descriptor.executable.format === "raw" || kind === "bios"
      : descriptor.executable.format === os.loader.format) &&
    (kind === "bios" || (os.loader?.stateless === true) === (descriptor.nvramTemplate === undefined)) &&
    !(features?.smm?.state === false && descriptor.features.includes("requires-smm")) &&
    (os.loader?.secure === undefined || descriptor.features.includes("requires-smm") === os.loader.secure) &&
    (secureBoot === undefined || descriptor.features.includes("secure-boot") === secureBoot) &&
    (enrolled === undefined || descriptor.features.includes("enrolled-keys") === enrolled);
  const found = environment.firmware.find(wanted);
  if (found === undefined) {
    throw unsupported(
      os,
      `no firmware of this machine is an '${os.firmware}' that fits the domain`,
      "a <loader> with the path of the firmware, or an installed one (apt-get install ovmf)",
    );
  }
  return found;
}

/** The nodes of the flash memory, and their names for `-machine`. */
export function pflashNodes(
  build: Build,
  { code, variables }: Firmware,
): {
  readonly args: string[];
  readonly pflash0?: string;
  readonly pflash1?: string;
} {
  if (code === undefined) return { args: [] };
  const file = {
    driver: "file",
    filename: code.path,
    "node-name": "libvirt-pflash0-storage",
    "auto-read-only": true,
    discard: "unmap",
  };
  const backing = code.format === "qcow2" ? { backing: null } : {};
  const format = {
    "node-name": "libvirt-pflash0-format",
    "read-only": code.readOnly,
    driver: code.format,
    file: "libvirt-pflash0-storage",
    ...backing,
  };
  const args = ["-blockdev", json(file), "-blockdev", json(format)];
  if (variables === undefined) return { args, pflash0: "libvirt-pflash0-format" };
  const storage = { ...storageProperties(build, variables.storage), "node-name": "libvirt-pflash1-storage" };
  if (variables.format === "raw") {
    args.push("-blockdev", json({ ...storage, "read-only": false }));
    return { args, pflash0: "libvirt-pflash0-format", pflash1: "libvirt-pflash1-storage" };
  }
  args.push("-blockdev", json({ ...storage, "auto-read-only": true, discard: "unmap" }));
  args.push(
    "-blockdev",
    json({
      "node-name": "libvirt-pflash1-format",
      "read-only": false,
      driver: "qcow2",
      file: "libvirt-pflash1-storage",
      backing: null,
    }),
  );
  return { args, pflash0: "libvirt-pflash0-format", pflash1: "libvirt-pflash1-format" };
}

/** `-bios`, kernel and what it gets. libvirt: qemuBuildBootCommandLine. */
export function loaderArguments(build: Build): string[] {
  const { os } = build.domain;
  const { bios } = firmwareOf(build);
  const args = bios === undefined ? [] : ["-bios", bios];
  if (os.kernel === undefined && (os.initrd ?? os.cmdline ?? os.dtb ?? os.shim) !== undefined) {
    throw invalid(os, "<initrd>, <cmdline>, <dtb> and <shim> need a <kernel>");
  }
  if (os.kernel !== undefined) args.push("-kernel", os.kernel);
  if (os.initrd !== undefined) args.push("-initrd", os.initrd);
  if (os.cmdline !== undefined) args.push("-append", os.cmdline);
  if (os.dtb !== undefined) args.push("-dtb", os.dtb);
  if (os.shim !== undefined) args.push("-shim", os.shim);
  for (const { type, path } of os.acpi?.tables ?? []) {
    const signature = type === "slic" || type === "msdm" ? `sig=${type.toUpperCase()},` : "";
    args.push("-acpitable", `${signature}file=${path.replaceAll(",", ",,")}`);
  }
  return args;
}
