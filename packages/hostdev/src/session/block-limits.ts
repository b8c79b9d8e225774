// SPDX-License-Identifier: Apache-2.0
import type { Disk } from "../domain/devices/disk.ts";

type Limits = NonNullable<Disk["iotune"]>;
type LimitName = Exclude<keyof Limits, "groupName">;

/** Each limit of a disk: as the definition calls it, as libvirt's typed parameters do, as QEMU's monitor does. */
export const blockLimits: readonly (readonly [name: LimitName, parameter: string, qemu: string])[] = [
  ["totalBytesSec", "total_bytes_sec", "bps"],
  ["readBytesSec", "read_bytes_sec", "bps_rd"],
  ["writeBytesSec", "write_bytes_sec", "bps_wr"],
  ["totalIopsSec", "total_iops_sec", "iops"],
  ["readIopsSec", "read_iops_sec", "iops_rd"],
  ["writeIopsSec", "write_iops_sec", "iops_wr"],
  ["totalBytesSecMax", "total_bytes_sec_max", "bps_max"],
  ["readBytesSecMax", "read_bytes_sec_max", "bps_rd_max"],
  ["writeBytesSecMax", "write_bytes_sec_max", "bps_wr_max"],
  ["totalIopsSecMax", "total_iops_sec_max", "iops_max"],
  ["readIopsSecMax", "read_iops_sec_max", "iops_rd_max"],
  ["writeIopsSecMax", "write_iops_sec_max", "iops_wr_max"],
  ["sizeIopsSec", "size_iops_sec", "iops_size"],
  ["totalBytesSecMaxLength", "total_bytes_sec_max_length", "bps_max_length"],
  ["readBytesSecMaxLength", "read_bytes_sec_max_length", "bps_rd_max_length"],
  ["writeBytesSecMaxLength", "write_bytes_sec_max_length", "bps_wr_max_length"],
  ["totalIopsSecMaxLength", "total_iops_sec_max_length", "iops_max_length"],
  ["readIopsSecMaxLength", "read_iops_sec_max_length", "iops_rd_max_length"],
  ["writeIopsSecMaxLength", "write_iops_sec_max_length", "iops_wr_max_length"],
];

/** A kind of limit that is either for reads and writes together, or for each; a limit of the one kind ends the other. */
const families = ["BytesSec", "IopsSec", "BytesSecMax", "IopsSecMax"] as const;

/**
 * The limits after a change. Pure.
 *
 * @param changes by name; 0 takes a limit away.
 * @returns `undefined` when nothing is limited any more.
 */
export function changeLimits(present: Disk["iotune"], changes: ReadonlyMap<LimitName, number>): Disk["iotune"] {
  const next: Record<string, number | string | undefined> = { ...present };
  for (const family of families) {
    const [total, read, write] = [`total${family}`, `read${family}`, `write${family}`] as LimitName[];
    if (total === undefined || read === undefined || write === undefined) continue;
    if (changes.has(total)) for (const other of [read, write]) delete next[other];
    if (changes.has(read) || changes.has(write)) delete next[total];
  }
  for (const [name, value] of changes) {
    if (value === 0) delete next[name];
    else next[name] = value;
  }
  const isLimited = blockLimits.some(([name]) => next[name] !== undefined);
  return isLimited ? (next as Disk["iotune"]) : undefined;
}

/** Whether a change says something of reads and writes together and of each too: which of them, in libvirt's words. */
export function contradiction(changes: ReadonlyMap<LimitName, number>): string | undefined {
  const words = {
    BytesSec: "bytes_sec",
    IopsSec: "iops_sec",
    BytesSecMax: "bytes_sec_max",
    IopsSecMax: "iops_sec_max",
  };
  const isSet = (name: string) => (changes.get(name as LimitName) ?? 0) > 0;
  const family = families.find((one) => isSet(`total${one}`) && (isSet(`read${one}`) || isSet(`write${one}`)));
  return family === undefined ? undefined : words[family];
}

/** The drive of a disk as QEMU's monitor finds it: that of virtio is a part of the device. */
export function driveOf({ alias = "", target }: Disk): string {
  return target.bus === undefined || target.bus === "virtio" ? `/machine/peripheral/${alias}/virtio-backend` : alias;
}

/** The arguments of `block_set_io_throttle` for these limits: those that are not there are taken away. Pure. */
export function throttleArguments(disk: Disk, limits: Disk["iotune"]): Readonly<Record<string, unknown>> {
  const values = blockLimits.flatMap(([name, , qemu]): [string, number][] => {
    const value = limits?.[name];
    if (value !== undefined) return [[qemu, value]];
    // QEMU wants these six, and takes the others for none.
    return /^(bps|iops)(_rd|_wr)?$/.test(qemu) ? [[qemu, 0]] : [];
  });
  const group = limits?.groupName === undefined ? {} : { group: limits.groupName };
  return { id: driveOf(disk), ...Object.fromEntries(values), ...group };
}
