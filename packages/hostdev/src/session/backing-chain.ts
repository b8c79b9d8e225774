// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { BackingStore, Disk } from "../domain/devices/disk.ts";
import type { Domain } from "../domain/domain.ts";
import { imageHeaderBytes, qcow2Backing } from "./storage/image-header.ts";

/** As many images as may lie on top of each other; libvirt's limit is the same. */
const maxDepth = 200;

/**
 * A running domain with what its disks' images lie on top of, down to the last, as libvirt shows it. Clients that copy or
 * back up disks look at it. The images say it themselves, and do not change while QEMU has them.
 *
 * Touches: reads the first bytes of the images that the caller may read; others end their chain without a word.
 */
export function withBackingChains(host: Host, domain: Domain): Domain {
  const disks = domain.devices.disks.map((disk) => {
    const store = disk.backingStore ?? storeBelow(host, disk);
    return store === undefined ? disk : { ...disk, backingStore: store };
  });
  return { ...domain, devices: { ...domain.devices, disks } };
}

function storeBelow(host: Host, disk: Disk): BackingStore | undefined {
  const path = disk.type === "file" ? disk.source?.file : disk.type === "block" ? disk.source?.dev : undefined;
  return path === undefined ? undefined : chainBelow(host, path, disk.driver?.type ?? "raw", maxDepth);
}

function chainBelow(host: Host, path: string, format: string, depth: number): BackingStore | undefined {
  if (format !== "qcow2") return { type: "none" };
  const head = host.canAccess(path, "read") ? host.readBytes(path, imageHeaderBytes) : undefined;
  if (head === undefined || depth === 0) return undefined;
  const backing = qcow2Backing(Buffer.from(head), path);
  if (backing === undefined) return { type: "none" };
  const type = backing.format ?? "raw"; // never guessed
  const below = chainBelow(host, backing.path, type, depth - 1);
  const isDevice = host.status(backing.path)?.kind === "block-device";
  const source = isDevice ? { dev: backing.path } : { file: backing.path };
  const store = { type: isDevice ? "block" : "file", format: { type }, source };
  return (below === undefined ? store : { ...store, backingStore: below }) as BackingStore;
}
