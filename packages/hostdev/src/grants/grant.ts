// SPDX-License-Identifier: Apache-2.0
import type { User } from "../core/users.ts";

/**
 * What becomes of an endpoint of the group: `give` puts it on vfio-pci, in the user's reach; `hold` on pci-stub,
 * out of everyone's.
 */
export type Role = "give" | "hold";

export interface GrantedEndpoint {
  readonly address: string;
  readonly role: Role;
  readonly vendorId: number;
  readonly deviceId: number;
  readonly classCode: number;
}

/** An administrator's decision that a user may use a device, and with it the device's whole IOMMU group. */
export interface Grant {
  /** The address of the device that was asked for; a group has one grant at most. */
  readonly id: string;
  readonly user: User;
  /** All endpoints of the group. */
  readonly endpoints: readonly GrantedEndpoint[];
  /** As it was at the time; numbers change from boot to boot. */
  readonly group: number;
  /** Guest memory the grant is sized for. */
  readonly memoryBytes: number;
  /** What this grant adds to the user's memlock limit. */
  readonly memlockBytes: number;
  /** ISO 8601, UTC. */
  readonly grantedAt: string;
  /** Who ran the command: the user behind sudo when there is one. */
  readonly grantedBy: string;
}

/** What is asked for. */
export interface GrantRequest {
  readonly device: string;
  readonly user: string;
  readonly memoryBytes?: number;
  /** Mates that the administrator accepts to lose meanwhile, by address. */
  readonly hold: readonly string[];
  /** Endpoints to take although the host uses them, by address. */
  readonly force: readonly string[];
}
