// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import { toNumber, type UdevDevice } from "./udev-device.ts";
import { textElement } from "./xml-output.ts";

/** By the minor number's range of 64 (drivers/gpu/drm/drm_drv.c). */
const nodeTypes = ["primary", "control", "render"] as const;

/** A node of a graphics card. */
export interface DrmCapability {
  readonly type: "drm";
  readonly nodeType: (typeof nodeTypes)[number];
}

/** libvirt: `udevProcessDRMDevice`, `drmGetMinorType`. */
export const drmKind: CapabilityKind<DrmCapability> = {
  isListed: (device) => nodeTypeOf(device) !== undefined,
  read: (device) => ({ type: "drm", nodeType: nodeTypeOf(device) ?? "primary" }),
  format: ({ nodeType }) => textElement("type", nodeType),
};

function nodeTypeOf(device: UdevDevice): DrmCapability["nodeType"] | undefined {
  return nodeTypes[(toNumber(device.property("MINOR"), 10) ?? -1) >> 6];
}
