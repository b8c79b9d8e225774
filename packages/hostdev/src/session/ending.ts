// SPDX-License-Identifier: Apache-2.0
import { type DomainState, domainState, lifecycleDetail, stateReason } from "./domain-state.ts";

/** How a VM ended. */
export type Ending =
  | { readonly kind: "guest-shutdown" }
  /** It reset, and its domain says that this ends it. */
  | { readonly kind: "guest-reset" }
  | { readonly kind: "guest-panicked" }
  /** We ended it. */
  | { readonly kind: "destroyed" }
  /** Somebody else told QEMU to end. */
  | { readonly kind: "stopped" }
  /** QEMU died. */
  | {
      readonly kind: "failed";
      readonly status: number | null;
      readonly signal: string | null;
      readonly output: string;
    };

/** The state of a VM that stopped while nobody looked. */
export function stateOf(status: string): DomainState {
  const reasons: Readonly<Record<string, number>> = {
    "io-error": stateReason.paused.ioError,
    watchdog: stateReason.paused.watchdog,
  };
  if (status === "guest-panicked") return { state: domainState.crashed, reason: stateReason.crashed.panicked };
  if (status === "suspended") return { state: domainState.pmSuspended, reason: stateReason.pmSuspended.unknown };
  if (status === "shutdown") return { state: domainState.shutdown, reason: stateReason.shutdown.unknown };
  return { state: domainState.paused, reason: reasons[status] ?? stateReason.paused.unknown };
}

/** The state that is left of a VM, and the detail of libvirt's event Stopped. */
export function afterEnding(ending: Ending): { readonly state: DomainState; readonly detail: number } {
  const shutOff = (reason: number) => ({ state: domainState.shutOff, reason });
  const { stopped } = lifecycleDetail;
  switch (ending.kind) {
    case "guest-shutdown":
    case "guest-reset":
    case "stopped":
      return { state: shutOff(stateReason.shutOff.shutdown), detail: stopped.shutdown };
    case "destroyed":
      return { state: shutOff(stateReason.shutOff.destroyed), detail: stopped.destroyed };
    case "guest-panicked":
      return { state: shutOff(stateReason.shutOff.crashed), detail: stopped.crashed };
    case "failed":
      return { state: shutOff(stateReason.shutOff.crashed), detail: stopped.failed };
  }
}

/** How a run ended, by what was known before QEMU went; `undefined` when nothing foretold it. Pure. */
export function endingOf(isDestroyed: boolean, isPanicked: boolean, reason: string | undefined): Ending | undefined {
  if (isDestroyed) return { kind: "destroyed" };
  if (isPanicked) return { kind: "guest-panicked" };
  if (reason === "guest-shutdown" || reason === "guest-reset") return { kind: reason };
  return reason === undefined ? undefined : { kind: "stopped" };
}
