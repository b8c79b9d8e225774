// SPDX-License-Identifier: Apache-2.0

/**
 * What a domain says that no argument of QEMU carries: it is told over QMP, after QEMU has started paused and before
 * the guest runs. Without these commands, those parts of the XML would be dropped in silence.
 */
import type { Disk } from "../domain/devices/disk.ts";
import type { Graphics } from "../domain/devices/graphics.ts";
import type { Memballoon } from "../domain/devices/memballoon.ts";
import type { Domain } from "../domain/domain.ts";

/** A QMP command. */
export interface StartCommand {
  readonly execute: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** The commands for a domain, in the order in which they must be given. */
export function startCommands(domain: Domain): StartCommand[] {
  return [
    ...actions(domain),
    ...links(domain),
    ...throttles(domain),
    ...passwords(domain),
    ...trays(domain),
    ...balloon(domain),
  ];
}

/** QEMU stops instead of rebooting when the domain is to be destroyed then. */
function actions({ onReboot }: Domain): StartCommand[] {
  return onReboot === "destroy" ? [{ execute: "set-action", arguments: { reboot: "shutdown" } }] : [];
}

function links({ devices }: Domain): StartCommand[] {
  const down = devices.interfaces.filter((card) => card.type !== "hostdev" && card.link === "down");
  return down.map((card) => ({ execute: "set_link", arguments: { name: card.alias, up: false } }));
}

function throttles({ devices }: Domain): StartCommand[] {
  return devices.disks.flatMap((disk) =>
    disk.iotune === undefined ? [] : [{ execute: "block_set_io_throttle", arguments: limits(disk) }],
  );
}

function limits(disk: Disk): Record<string, unknown> {
  const tune = disk.iotune ?? {};
  const optional = {
    bps_max: tune.totalBytesSecMax,
    bps_rd_max: tune.readBytesSecMax,
    bps_wr_max: tune.writeBytesSecMax,
    iops_max: tune.totalIopsSecMax,
    iops_rd_max: tune.readIopsSecMax,
    iops_wr_max: tune.writeIopsSecMax,
    bps_max_length: tune.totalBytesSecMaxLength,
    bps_rd_max_length: tune.readBytesSecMaxLength,
    bps_wr_max_length: tune.writeBytesSecMaxLength,
    iops_max_length: tune.totalIopsSecMaxLength,
    iops_rd_max_length: tune.readIopsSecMaxLength,
    iops_wr_max_length: tune.writeIopsSecMaxLength,
    iops_size: tune.sizeIopsSec,
    group: tune.groupName ?? `drive-${disk.alias}`,
  };
  return {
    // QEMU's block device of a virtio disk is inside the PCI device.
    id: disk.target.bus === "virtio" ? `/machine/peripheral/${disk.alias}/virtio-backend` : disk.alias,
    bps: tune.totalBytesSec ?? 0,
    bps_rd: tune.readBytesSec ?? 0,
    bps_wr: tune.writeBytesSec ?? 0,
    iops: tune.totalIopsSec ?? 0,
    iops_rd: tune.readIopsSec ?? 0,
    iops_wr: tune.writeIopsSec ?? 0,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
  };
}

function passwords({ devices }: Domain): StartCommand[] {
  return devices.graphics.flatMap(passwordCommands);
}

/** The commands that set the password of a screen, and until when it is good; none for a screen without one. */
export function passwordCommands(graphics: Graphics): StartCommand[] {
  if ((graphics.type !== "vnc" && graphics.type !== "spice") || graphics.passwd === undefined) return [];
  const { type: protocol, passwd: password, connected, passwdValidTo } = graphics;
  const time = passwdValidTo === undefined ? "never" : String(Math.floor(Date.parse(`${passwdValidTo}Z`) / 1000));
  return [
    { execute: "set_password", arguments: { protocol, password, ...(connected === undefined ? {} : { connected }) } },
    { execute: "expire_password", arguments: { protocol, time } },
  ];
}

/** A tray that is open. */
function trays({ devices }: Domain): StartCommand[] {
  const open = devices.disks.filter((disk) => disk.target.tray === "open");
  return open.map((disk) => ({ execute: "blockdev-open-tray", arguments: { id: disk.alias, force: true } }));
}

/** The memory a guest has now may be less than what it can have. */
function balloon({ memory, currentMemory, devices }: Domain): StartCommand[] {
  if (devices.memballoon === undefined || devices.memballoon.model === "none") return [];
  const commands: StartCommand[] = [];
  const now = currentMemory?.memoryKiB ?? 0;
  if (now > 0 && now < (memory?.memoryKiB ?? 0))
    commands.push({ execute: "balloon", arguments: { value: now * 1024 } });
  const period = devices.memballoon.statsPeriodSeconds ?? 0;
  if (period > 0) commands.push({ execute: "qom-set", arguments: statsPeriod(devices.memballoon, period) });
  return commands;
}

/** Arguments of `qom-set`: how often QEMU asks the guest for figures of its memory. */
export function statsPeriod({ alias }: Memballoon, seconds: number) {
  return { path: `/machine/peripheral/${alias}`, property: "guest-stats-polling-interval", value: seconds };
}
