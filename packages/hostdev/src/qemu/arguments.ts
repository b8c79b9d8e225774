// SPDX-License-Identifier: Apache-2.0

import type { NetworkInterface } from "../domain/devices/network-interface.ts";
/**
 * A domain as QEMU's command line. Pure: everything else it depends on is in the environment.
 *
 * The order is libvirt's (qemuBuildCommandLine), since QEMU gives devices on one bus what is left in the order in
 * which they come.
 */
import type { Domain } from "../domain/domain.ts";
import {
  channelArguments,
  consoleArguments,
  parallelArguments,
  serialArguments,
} from "./arguments/character-device.ts";
import { ccidArguments, controllerArguments, rootControllerArguments } from "./arguments/controller.ts";
import { cpuArguments } from "./arguments/cpu.ts";
import { diskArguments } from "./arguments/disk.ts";
import { filesystemArguments } from "./arguments/filesystem.ts";
import { loaderArguments } from "./arguments/firmware.ts";
import {
  bootArguments,
  clockArguments,
  compatArguments,
  firmwareConfigArguments,
  generationIdArguments,
  powerArguments,
  smbiosArguments,
  teardownArguments,
  throttleArguments,
} from "./arguments/general.ts";
import { graphicsArguments } from "./arguments/graphics.ts";
import { hostDeviceArguments } from "./arguments/host-device.ts";
import { inputArguments } from "./arguments/input.ts";
import { interfaceArguments } from "./arguments/interface.ts";
import { iothreadArguments } from "./arguments/iothread.ts";
import { machineArguments, smpArguments } from "./arguments/machine.ts";
import { memoryArguments, memoryDeviceArguments, numaArguments } from "./arguments/memory.ts";
import { type Build, keyValues } from "./arguments/options.ts";
import {
  iommuArguments,
  memballoonArguments,
  panicArguments,
  rngArguments,
  shmemArguments,
  vsockArguments,
  watchdogArguments,
} from "./arguments/small-devices.ts";
import { smartcardArguments } from "./arguments/smartcard.ts";
import { audioArguments, soundArguments } from "./arguments/sound.ts";
import { comesLater } from "./arguments/tap.ts";
import { tpmArguments } from "./arguments/tpm.ts";
import { hubArguments, redirdevArguments } from "./arguments/usb-devices.ts";
import { assertVersionHas } from "./arguments/version-limits.ts";
import { videoArguments } from "./arguments/video.ts";
import type { QemuEnvironment } from "./environment.ts";

export { type NvramFile, nvramFile } from "./arguments/firmware.ts";
export { environmentOf } from "./arguments/general.ts";

/**
 * The command line for a domain, the emulator first.
 *
 * @param domain as `parseDomain` gives it, with addresses and aliases.
 * @throws {HostdevError} `HD_DOMAIN_INVALID` or `HD_DOMAIN_UNSUPPORTED` for what this QEMU or this host cannot do.
 */
export function buildArguments(domain: Domain, environment: QemuEnvironment): string[] {
  const build: Build = { domain, environment, fdSets: { next: 0 } };
  assertVersionHas(build);
  const { devices } = domain;
  const each = <T>(list: readonly T[], make: (build: Build, item: T) => string[]) =>
    list.flatMap((item) => make(build, item));
  return [
    devices.emulator ?? environment.emulator,
    ...frontArguments(build),
    ...machineArguments(build),
    ...cpuArguments(build),
    ...loaderArguments(build),
    ...memoryArguments(build),
    "-overcommit",
    `mem-lock=${domain.memoryBacking?.locked === true ? "on" : "off"}`,
    ...smpArguments(build),
    ...iothreadArguments(build),
    ...throttleArguments(build),
    ...numaArguments(build),
    ...(domain.uuid === undefined ? [] : ["-uuid", domain.uuid]),
    ...smbiosArguments(build),
    ...firmwareConfigArguments(build),
    ...generationIdArguments(build),
    ...(devices.graphics.length === 0 ? ["-display", "none"] : []),
    "-no-user-config",
    "-nodefaults",
    ...monitorArguments(build),
    ...clockArguments(build),
    ...powerArguments(build),
    ...bootArguments(build),
    ...iommuArguments(build),
    ...rootControllerArguments(build),
    ...controllerArguments(build),
    ...each(devices.hubs, hubArguments),
    ...ccidArguments(build),
    ...each(devices.memories, memoryDeviceArguments),
    ...diskArguments(build),
    ...each(devices.filesystems, filesystemArguments),
    ...each(devices.interfaces, cardArguments),
    ...each(devices.smartcards, smartcardArguments),
    ...each(devices.serials, serialArguments),
    ...each(devices.parallels, parallelArguments),
    ...each(devices.channels, channelArguments),
    ...each(devices.consoles, consoleArguments),
    ...each(devices.tpms, tpmArguments),
    ...each(devices.inputs, inputArguments),
    ...devices.audios.flatMap(audioArguments),
    ...each(devices.graphics, graphicsArguments),
    ...devices.videos.flatMap((video, index) => videoArguments(build, video, index === 0)),
    ...each(devices.sounds, soundArguments),
    ...watchdogArguments(build),
    ...each(devices.redirdevs, redirdevArguments),
    ...hostDeviceArguments(build),
    ...memballoonArguments(build),
    ...each(devices.rngs, rngArguments),
    ...(domain.features?.vmcoreinfo === undefined || domain.features.vmcoreinfo.state === false
      ? []
      : ["-device", "vmcoreinfo"]),
    ...(environment.sandbox === undefined ? [] : ["-sandbox", environment.sandbox]),
    ...each(devices.panics, panicArguments),
    ...each(devices.shmems, shmemArguments),
    ...vsockArguments(build),
    ...teardownArguments(build),
    "-msg",
    "timestamp=on",
    ...(domain.qemuCommandline?.args ?? []),
  ];
}

/** Those of a card that comes later are only made to see whether they can be. */
function cardArguments(build: Build, card: NetworkInterface): string[] {
  const args = interfaceArguments(build, card);
  return comesLater(build.environment, card) ? [] : args;
}

function frontArguments(build: Build): string[] {
  const { domain, environment } = build;
  const name = ["-name", keyValues(`guest=${domain.name.replaceAll(",", ",,")}`, { "debug-threads": true })];
  return [...compatArguments(build), ...name, ...(environment.startPaused ? ["-S"] : [])];
}

function monitorArguments({ environment }: Build): string[] {
  const { monitor } = environment;
  const where = "path" in monitor ? { path: monitor.path } : { fd: monitor.descriptor };
  return [
    "-chardev",
    keyValues("socket", { id: "charmonitor", ...where, server: true, wait: false }),
    "-mon",
    keyValues("chardev=charmonitor", { id: "monitor", mode: "control" }),
  ];
}
