// SPDX-License-Identifier: Apache-2.0

/** What a session tells of its domains, unasked. Numbers are libvirt's. */

import type { StatsField } from "./session-api.ts";

/** Which domain an event is about, as it was at that moment. */
export interface DomainReference {
  readonly name: string;
  readonly uuid: string;
  /** -1 when it is not running. */
  readonly id: number;
}

/** One thing that happened. `kind` says which callback of libvirt it belongs to. */
export type SessionEvent =
  /** `event` and `detail`: see `lifecycleEvent` and `lifecycleDetail`. */
  | { readonly kind: "lifecycle"; readonly event: number; readonly detail: number }
  | { readonly kind: "reboot" }
  | { readonly kind: "rtc-change"; readonly offsetSeconds: number }
  /** `virDomainEventWatchdogAction`: none 0, pause 1, reset 2, poweroff 3, shutdown 4, debug 5, inject-nmi 6. */
  | { readonly kind: "watchdog"; readonly action: number }
  /** `virDomainEventIOErrorAction`: none 0, pause 1, report 2. */
  | {
      readonly kind: "io-error";
      readonly path: string;
      readonly alias: string;
      readonly action: number;
      /** `enospc`, or empty. */
      readonly reason: string;
    }
  /** `reason`: opened 0, closed 1. */
  | { readonly kind: "tray-change"; readonly alias: string; readonly reason: number }
  | { readonly kind: "pm-suspend" }
  | { readonly kind: "pm-suspend-disk" }
  | { readonly kind: "pm-wakeup" }
  | { readonly kind: "balloon-change"; readonly actualKiB: number }
  | { readonly kind: "device-added"; readonly alias: string }
  | { readonly kind: "device-removed"; readonly alias: string }
  | { readonly kind: "device-removal-failed"; readonly alias: string }
  /** The guest has written behind a mark that was set for `device`, by `excess` bytes. */
  | {
      readonly kind: "block-threshold";
      readonly device: string;
      readonly path: string | undefined;
      readonly threshold: number;
      readonly excess: number;
    }
  /** A limit or a pin of the run was changed: its name and value, in libvirt's terms. */
  | { readonly kind: "tunable"; readonly fields: readonly StatsField[] }
  /** `type`: description 0, title 1, element 2. `uri` for elements. */
  | { readonly kind: "metadata-change"; readonly type: number; readonly uri: string | undefined }
  /** `state`: connected 1, disconnected 2. `reason`: unknown 0, domain started 1, channel 2. */
  | { readonly kind: "agent-lifecycle"; readonly state: number; readonly reason: number };

/** Is told everything, in the order in which it happened. Must not throw. */
export type SessionListener = (domain: DomainReference, event: SessionEvent) => void;
