// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import { textElement } from "./xml-output.ts";

/** The node that takes raw SCSI commands for a unit. */
export interface ScsiGenericCapability {
  readonly type: "scsi_generic";
  readonly node: string;
}

/** libvirt: `udevProcessSCSIGeneric`. */
export const scsiGenericKind: CapabilityKind<ScsiGenericCapability> = {
  isListed: ({ node }) => node !== undefined,
  read: ({ node = "" }) => ({ type: "scsi_generic", node }),
  format: ({ node }) => textElement("char", node),
};
