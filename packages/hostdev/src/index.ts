// SPDX-License-Identifier: Apache-2.0

/**
 * The library: what `hostdev` and `hostdev-admin` are made of, for other programs.
 *
 * Everything takes a `Host`: `realHost()` is this machine. Nothing is written by what is in the first block.
 */

// The machine, errors and findings.
export { type ErrorCategory, exitStatus } from "./core/error-category.ts";
export type { Blocker, ErrorCode, ErrorDetails, HolderDetails, HostUse } from "./core/error-details.ts";
export { causesOf, HostdevError, isHostdevError } from "./core/errors.ts";
export type { Finding } from "./core/finding.ts";
export type { CommandResult, FileStatus, Host, Ownership, RunningProgram, RunOptions } from "./core/host.ts";
export type { ProcessIdentity } from "./core/processes.ts";
export { realHost } from "./core/real-host.ts";
export type { User } from "./core/users.ts";

// Discovery: what there is, and whether it can be lent. Needs no privilege; root sees more.
export { type Diagnosis, diagnose, type Section } from "./doctor/diagnose.ts";
export type { GrantedEndpoint as DiagnosedEndpoint } from "./doctor/granted.ts";
// Grants: lending and taking back. Needs root, but for `readRecords`.
export { type Expiry, expire } from "./grants/expire.ts";
export type { Grant, GrantedEndpoint, GrantRequest, Role } from "./grants/grant.ts";
export { grantDevice, previewGrant } from "./grants/grant-device.ts";
export type { Lease } from "./grants/lease.ts";
export type { GrantPlan } from "./grants/plan.ts";
export { readCandidates } from "./grants/read-candidates.ts";
export type { GrantRecord } from "./grants/record.ts";
export { type Recovery, recover } from "./grants/recover.ts";
export { type Candidate, type Resolution, resolveGrant } from "./grants/resolve.ts";
export { type Restoration, restore } from "./grants/restore.ts";
export { previewRevoke, type RevokePlan, revokeDevice } from "./grants/revoke-device.ts";
export type { Progress } from "./grants/run-steps.ts";
export { type GrantStanding, type GrantState, readStanding } from "./grants/state.ts";
export { describeStep, type MemlockState, type Step } from "./grants/step.ts";
export { readRecords } from "./grants/store.ts";
export type { MemlockLimit, ProcessLimit } from "./memlock/limit.ts";
export { formatPciAddress, type PciAddress, parsePciAddress, tryParsePciAddress } from "./pci/address.ts";
export type { Capabilities } from "./pci/capabilities.ts";
export { type FunctionDetails, readFunctionDetails } from "./pci/device-details.ts";
export { enumerateFunctions, findFunction } from "./pci/enumerate.ts";
export { explainGroup, type GroupExplanation } from "./pci/explain-group.ts";
export { type GroupDetails, type ReservedRegion, readGroupDetails } from "./pci/group-details.ts";
export type { GroupReason } from "./pci/group-reason.ts";
export { type FunctionIdentity, readFunctionIdentity, type SerialNumbers } from "./pci/identity.ts";
export { endpointsOf, hasIommuGroups, type IommuGroup, readIommuGroup } from "./pci/iommu-group.ts";
export { type FunctionNames, PciNames, readPciNames } from "./pci/names.ts";
export { type PciFunction, readPciFunction } from "./pci/pci-function.ts";
export { buildTopology, type RootBus, readTopology, type TopologyNode } from "./pci/topology.ts";
export { readUsage } from "./usage/read-usage.ts";
export type { Usage, Use, UseKind } from "./usage/use.ts";
export { type Binding, readBinding } from "./vfio/binding.ts";
export { findHolders, type Holder } from "./vfio/holders.ts";
export { containerNode, groupNode } from "./vfio/nodes.ts";
export { describeVerdict, judge, type Verdict, type VerdictFacts } from "./vfio/verdict.ts";
export { findBlockers, isHeld, isVfioDriver } from "./vfio/viability.ts";
