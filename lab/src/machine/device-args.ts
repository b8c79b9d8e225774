// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { PlacedDevice } from "./placement.ts";
import type { Backend, Topology } from "./topology.ts";

/** A disk file that a topology needs on the host. */
export type DiskBackend = Extract<Backend, { readonly kind: "disk" }>;

/** QEMU's own description of a device and its backend: JSON objects, as `-device` and QMP's `device_add` both take them. */
export interface DeviceDescription {
  readonly device: Readonly<Record<string, unknown>>;
  readonly blockdev?: Readonly<Record<string, unknown>>;
  readonly netdev?: Readonly<Record<string, unknown>>;
}

/** Describes a placed device; disk files lie in `directory`. Pure. */
export function describeDevice(placed: PlacedDevice, directory: string): DeviceDescription {
  const { driver, id, bus, addr, options, backend } = placed;
  const device = { driver, id, bus, addr, ...options };
  switch (backend?.kind) {
    case undefined:
      return { device };
    case "user-network":
      return { device: { ...device, netdev: `${id}-net` }, netdev: { type: "user", id: `${id}-net` } };
    case "disk":
      return {
        device: { ...device, drive: `${id}-disk` },
        blockdev: {
          driver: "raw",
          "node-name": `${id}-disk`,
          discard: "unmap",
          // The file dies with the lab: no need to wait for the host's disk.
          cache: { "no-flush": true },
          file: { driver: "file", filename: join(directory, backend.file) },
        },
      };
  }
}

/** QEMU's arguments for the IOMMU of a topology, some of its devices, and what isn't PCI. Pure. */
export function topologyArgs(
  topology: Topology,
  devices: readonly PlacedDevice[],
  directory: string,
): readonly string[] {
  const args = [...iommuArgs(topology.iommu ?? "intel")];
  for (const placed of devices) {
    const { device, blockdev, netdev } = describeDevice(placed, directory);
    if (blockdev !== undefined) args.push("-blockdev", JSON.stringify(blockdev));
    if (netdev !== undefined) args.push("-netdev", JSON.stringify(netdev));
    args.push("-device", JSON.stringify(device));
  }
  for (const { driver, id, options } of topology.extra ?? []) {
    args.push("-device", JSON.stringify({ driver, ...(id === undefined ? {} : { id }), ...options }));
  }
  return args;
}

function iommuArgs(kind: NonNullable<Topology["iommu"]>): readonly string[] {
  switch (kind) {
    case "intel":
      // 48 bits: with the default of 39 a guest's 64-bit BARs can't be mapped.
      return ["-device", "intel-iommu,intremap=on,caching-mode=on,aw-bits=48"];
    case "intel-no-intremap":
      return ["-device", "intel-iommu,intremap=off,caching-mode=on,aw-bits=48"];
    case "virtio":
      return ["-device", "virtio-iommu-pci,addr=17"];
    case "none":
      return [];
  }
}

/** The disk files that must exist before the devices do. Pure. */
export function disksOf(devices: readonly PlacedDevice[]): readonly DiskBackend[] {
  return devices.flatMap(({ backend }) => (backend?.kind === "disk" ? [backend] : []));
}
