// SPDX-License-Identifier: Apache-2.0

/** A Linux machine in memory that behaves like the kernel: what tests of everything above `Host` run on. */
export { Crash, type CrashMoment } from "./crash.ts";
export { FakeHost } from "./fake-host.ts";
export { FakeMachine } from "./fake-machine.ts";
export type { FakeProcess } from "./fake-process.ts";
export type { Fault, HostOperation, OperationPattern } from "./faults.ts";
export type { FunctionOptions, HostSideDevice } from "./function-spec.ts";
export type { GroupHolder, HoldOptions } from "./iommu-groups.ts";
export { KernelError, KernelHang } from "./kernel-error.ts";
export { fakeMachine, MachineBuilder } from "./machine-builder.ts";
export { bigMachine, desktopMachine, labMachine, noIommuMachine } from "./machines.ts";
export type { FakeProgram, ProgramModel } from "./programs.ts";
export { diffSnapshots, type Snapshot } from "./snapshot.ts";
