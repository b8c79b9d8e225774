// SPDX-License-Identifier: Apache-2.0
import type { User } from "../core/users.ts";
import type { FunctionIdentity } from "../pci/identity.ts";
import type { Lease } from "./lease.ts";
import type { VfRequest } from "./vf-request.ts";

/**
 * What becomes of an endpoint of the group: `give` puts it on vfio-pci, in the user's reach; `hold` on pci-stub,
 * out of everyone's.
 */
export type Role = "give" | "hold";

export interface GrantedEndpoint {
  /** Where it was when last looked for; it may be another by now. */
  readonly address: string;
  readonly role: Role;
  /** Taken although the host used it, because `--force` named it. */
  readonly isForced: boolean;
  /** What it is found again by. */
  readonly identity: FunctionIdentity;
}

/** A virtual function that is lent: it follows the number, not the address, which shifts. */
export interface GrantedVf {
  /** The address of the physical function, when last looked for. */
  readonly physicalFunction: string;
  readonly index: number;
  /** How many were made for it; `null`: they were there. */
  readonly created: number | null;
  /** What it is held to; `null`: as it was. */
  readonly mac: string | null;
  readonly vlan: number | null;
}

/** An administrator's decision that a user may use a device, and with it the device's whole IOMMU group. */
export interface Grant {
  /** Names the grant, and stays: the address at which the device was lent, with a number when that is taken. */
  readonly id: string;
  /** The address of the device that was asked for, when last looked for; a group has one grant at most. */
  readonly device: string;
  readonly user: User;
  /** All endpoints of the group. */
  readonly endpoints: readonly GrantedEndpoint[];
  /** As it was when last looked for; numbers change from boot to boot. */
  readonly group: number;
  /** Guest memory the grant is sized for. */
  readonly memoryBytes: number;
  /** What this grant adds to the user's memlock limit. */
  readonly memlockBytes: number;
  /** What it is of its physical function; `null` when it is no virtual one. */
  readonly virtualFunction: GrantedVf | null;
  /** Whether the host takes its endpoints back without a reset when they cannot be reset. */
  readonly acceptsNoReset: boolean;
  /** ISO 8601, UTC. */
  readonly grantedAt: string;
  /** Who ran the command: the user behind sudo when there is one. */
  readonly grantedBy: string;
  readonly lease: Lease;
  /** The administrator's own words, one line. */
  readonly note: string | null;
}

/** What is asked for. */
export interface GrantRequest {
  readonly device: string;
  readonly user: string;
  readonly memoryBytes?: number;
  /** Memory that all grants together leave to the host. Default: 2 GiB, or 10 % of a larger machine. */
  readonly leaveBytes?: number;
  /** Mates that the administrator accepts to lose meanwhile, by address. */
  readonly hold: readonly string[];
  /** Accept to lose all mates that are not given. */
  readonly holdMates?: boolean;
  /** Further endpoints of the group that the user may use, by address. */
  readonly give?: readonly string[];
  /** Lend a virtual function of `device`. */
  readonly vf?: VfRequest;
  /** Lend it although it cannot be reset when it comes back. */
  readonly acceptNoReset?: boolean;
  /** Endpoints to take although the host uses them, by address. */
  readonly force: readonly string[];
  /** Default: until it is taken back, or a reboot. */
  readonly lease?: Partial<Lease>;
  readonly note?: string;
}
