// SPDX-License-Identifier: Apache-2.0

import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";

/** What udev keeps of a device: what its rules found out, and the links it made. */
export interface UdevRecord {
  readonly properties: ReadonlyMap<string, string>;
  /** Absolute paths, sorted as libudev does. */
  readonly links: readonly string[];
}

/**
 * Parses a file of udev's database: a line an entry, its kind before a colon.
 *
 *     S:disk/by-id/nvme-QEMU_NVMe_Ctrl_LAB1     a link below /dev
 *     E:ID_SERIAL=QEMU_NVMe_Ctrl_LAB1_1         a property
 *
 * The other kinds (I, L, G, Q, V: time, link priority, tags, version) say nothing about the device. Never throws.
 *
 * Pure.
 */
export function parseUdevRecord(text: string): UdevRecord {
  const properties = new Map<string, string>();
  const links = new Set<string>();
  for (const line of text.split("\n")) {
    const value = line.slice(2);
    if (line.startsWith("S:")) links.add(`/dev/${value}`);
    else if (line.startsWith("E:")) addProperty(properties, value);
  }
  return { properties, links: [...links].sort() };
}

/** Parses what the kernel says in a device's `uevent` file: `NAME=value` lines. Pure. */
export function parseUevent(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split("\n")) addProperty(properties, line);
  return properties;
}

function addProperty(properties: Map<string, string>, text: string): void {
  const equals = text.indexOf("=");
  if (equals > 0) properties.set(text.slice(0, equals), text.slice(equals + 1));
}

/**
 * Reads udev's record of a device; empty when there is none, or no udev.
 *
 * The format is udev's own, but has been the same since 2012; libudev, which libvirt asks, reads nothing else.
 *
 * Touches: reads `/run/udev/data/<id>`. Needs: nothing.
 * @param id `b<major>:<minor>`, `c<major>:<minor>`, `n<interface index>`, or `+<subsystem>:<name>`.
 */
export function readUdevRecord(host: Host, id: string): UdevRecord {
  return parseUdevRecord(readFile(host, `/run/udev/data/${id}`) ?? "");
}

/** A file's text as it is; `undefined` when it is absent, not for this caller, or without an answer just now. */
export function readFile(host: Host, path: string): string | undefined {
  try {
    return host.readText(path);
  } catch (error) {
    if (isHostdevError(error, "HD_FILE")) return undefined; // as in pci/sysfs.ts
    throw error;
  }
}
