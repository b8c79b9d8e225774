// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../../domain/domain.ts";
import { diskArguments } from "../../qemu/arguments/disk.ts";
import { hostDeviceArguments } from "../../qemu/arguments/host-device.ts";
import { interfaceArguments } from "../../qemu/arguments/interface.ts";
import type { QemuEnvironment } from "../../qemu/environment.ts";
import { unsupported } from "../../xml/complaint.ts";
import type { Pluggable } from "./device-xml.ts";

/** A monitor command that plugs in a part, and the one that takes it out again. */
export interface PlugCommand {
  readonly execute: "blockdev-add" | "netdev_add" | "device_add";
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly undo: { readonly execute: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/**
 * The monitor commands that plug a device in: QEMU's arguments for it, as commands. Pure.
 *
 * @param domain has the device, with its address and alias.
 * @param takenNodes the highest number of a block node in use.
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED` for what QEMU takes only at its start.
 */
export function plugCommands(
  domain: Domain,
  plugged: Pluggable,
  environment: QemuEnvironment,
  takenNodes: number,
): PlugCommand[] {
  const { list, device } = plugged;
  const alone = { disks: [], interfaces: [], hostDevices: [], [list]: [device] };
  // Boot order is for the start; what `<os>` says of it is not for devices that come later.
  const devices = { ...domain.devices, ...alone } as Domain["devices"];
  const build = {
    domain: { ...domain, os: { ...domain.os, boot: [] }, devices },
    environment,
    fdSets: { next: 0 },
  };
  const args =
    list === "disks"
      ? diskArguments(build, takenNodes)
      : [
          ...build.domain.devices.interfaces.flatMap((card) => interfaceArguments(build, card)),
          ...hostDeviceArguments(build),
        ];
  return toPlugCommands(args, device);
}

/** QEMU's arguments for a device as commands. @throws {HostdevError} as `plugCommands`. */
export function toPlugCommands(args: readonly string[], device: object): PlugCommand[] {
  return pairs(args).map(([option, value]) => toCommand(option, value, device));
}

function pairs(args: readonly string[]): [string, string][] {
  return args.flatMap((option, index): [string, string][] =>
    index % 2 === 0 ? [[option, args[index + 1] ?? ""]] : [],
  );
}

function toCommand(option: string, value: string, device: object): PlugCommand {
  const refusal = unsupported(
    device,
    "it cannot be plugged in while the guest runs",
    "it in the definition (--config)",
  );
  if (!value.startsWith("{")) throw refusal;
  const properties = JSON.parse(value) as Record<string, unknown>;
  switch (option) {
    case "-blockdev": {
      const node = { "node-name": properties["node-name"] };
      return { execute: "blockdev-add", arguments: properties, undo: { execute: "blockdev-del", arguments: node } };
    }
    case "-netdev": {
      const id = { id: properties["id"] };
      return { execute: "netdev_add", arguments: properties, undo: { execute: "netdev_del", arguments: id } };
    }
    case "-device": {
      const id = { id: properties["id"] };
      return { execute: "device_add", arguments: properties, undo: { execute: "device_del", arguments: id } };
    }
    default:
      throw refusal;
  }
}
