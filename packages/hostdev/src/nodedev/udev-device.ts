// SPDX-License-Identifier: Apache-2.0
import { basename } from "node:path";
import type { Host } from "../core/host.ts";
import { readLinkName } from "../pci/sysfs.ts";
import { parseUevent, readFile, readUdevRecord, type UdevRecord } from "./udev-record.ts";

/**
 * One device as libudev shows it: its place in sysfs, the kernel's and udev's properties, its attributes.
 *
 * Files are read when they are first asked for: a list of all devices needs few of them.
 */
export class UdevDevice {
  readonly host: Host;
  /** `pci`, `usb`, `block` ... */
  readonly subsystem: string;
  /** Below `/sys/devices`. */
  readonly path: string;
  /** The kernel's name, such as `0000:01:00.0`, `nvme0n1`. */
  readonly sysname: string;
  #uevent: ReadonlyMap<string, string> | undefined;
  #record: UdevRecord | undefined;
  #entries: ReadonlySet<string> | undefined;

  constructor(host: Host, subsystem: string, path: string) {
    this.host = host;
    this.subsystem = subsystem;
    this.path = path;
    this.sysname = basename(path);
  }

  /** What kind of device of its subsystem it is, such as `usb_interface`; most have none. */
  get devtype(): string | undefined {
    return this.#kernelProperties.get("DEVTYPE");
  }

  /** Its node, such as `/dev/nvme0n1`. */
  get node(): string | undefined {
    const name = this.#kernelProperties.get("DEVNAME");
    return name === undefined ? undefined : `/dev/${name}`;
  }

  /** Further names of the node. */
  get links(): readonly string[] {
    return this.#udevRecord.links;
  }

  /** The bound driver; which one, and whether still, the link says (as in `readPciFunction`). */
  get driver(): string | undefined {
    return this.#kernelProperties.has("DRIVER") ? readLinkName(this.host, `${this.path}/driver`) : undefined;
  }

  /**
   * Whether its folder has a file of this name, when it is first asked for any. A look for a file that is not there costs
   * half as much as the list of them all: this is for those that most devices lack.
   */
  has(name: string): boolean {
    this.#entries ??= new Set(this.host.list(this.path));
    return this.#entries.has(name);
  }

  /** The last part of where a link in its folder leads; `undefined` without one. */
  linkName(name: string): string | undefined {
    return this.has(name) ? readLinkName(this.host, `${this.path}/${name}`) : undefined;
  }

  /** A property, of udev's or else the kernel's. */
  property(name: string): string | undefined {
    return cleanText(this.#udevRecord.properties.get(name) ?? this.#kernelProperties.get(name));
  }

  /** A property of the kernel's alone, which costs no look into udev's record. */
  kernelProperty(name: string): string | undefined {
    return this.#kernelProperties.get(name);
  }

  /** A file below its folder, without the newline; `undefined` also when it is empty. */
  attribute(name: string): string | undefined {
    return cleanText(readFile(this.host, `${this.path}/${name}`));
  }

  /** As `attribute`, as a number; `undefined` also when it is none. */
  number(name: string, base: 10 | 16 = 10): number | undefined {
    return toNumber(this.attribute(name), base);
  }

  get #kernelProperties(): ReadonlyMap<string, string> {
    this.#uevent ??= parseUevent(readFile(this.host, `${this.path}/uevent`) ?? "");
    return this.#uevent;
  }

  get #udevRecord(): UdevRecord {
    this.#record ??= readUdevRecord(this.host, this.#id);
    return this.#record;
  }

  get #id(): string {
    const [major, minor] = [this.#kernelProperties.get("MAJOR"), this.#kernelProperties.get("MINOR")];
    if (major !== undefined) return `${this.subsystem === "block" ? "b" : "c"}${major}:${minor}`;
    const index = this.#kernelProperties.get("IFINDEX");
    return index === undefined ? `+${this.subsystem}:${this.sysname}` : `n${index}`;
  }
}

/** A number in this base at the start of a text, as strtol(3) finds it. */
export function toNumber(text: string | undefined, base: 10 | 16): number | undefined {
  const value = Number.parseInt(text ?? "", base);
  return Number.isNaN(value) ? undefined : value;
}

/** Devices say of themselves what they like; control characters belong neither on terminals nor into XML. */
function cleanText(text: string | undefined): string | undefined {
  return text?.replace(/\p{Cc}/gu, "") || undefined;
}
