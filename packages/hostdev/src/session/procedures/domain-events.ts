// SPDX-License-Identifier: Apache-2.0
import type { EventName, EventPayload } from "../../rpc/events.ts";
import type { SessionEvent } from "../session-events.ts";

/** An event's name in the protocol, and what it says beside the domain. */
type Named = { readonly [N in EventName]: readonly [name: N, payload: Omit<EventPayload<N>, "domain">] }[EventName];

/** What clients are told of something that happened; an I/O error has two events, for old clients and new ones. Pure. */
export function toEvents(event: SessionEvent): readonly Named[] {
  switch (event.kind) {
    case "lifecycle":
      return [["lifecycle", { event: event.event, detail: event.detail }]];
    case "reboot":
      return [["reboot", {}]];
    case "rtc-change":
      return [["rtcChange", { offset: BigInt(event.offsetSeconds) }]];
    case "watchdog":
      return [["watchdog", { action: event.action }]];
    case "io-error": {
      const { path, alias, action, reason } = event;
      return [
        ["ioError", { path, alias, action }],
        ["ioErrorReason", { path, alias, action, reason }],
      ];
    }
    case "tray-change":
      return [["trayChange", { alias: event.alias, reason: event.reason }]];
    case "pm-suspend":
      return [["pmSuspend", { reason: 0 }]];
    case "pm-suspend-disk":
      return [["pmSuspendDisk", { reason: 0 }]];
    case "pm-wakeup":
      return [["pmWakeup", { reason: 0 }]];
    case "balloon-change":
      return [["balloonChange", { actualKiB: BigInt(event.actualKiB) }]];
    case "device-added":
      return [["deviceAdded", { alias: event.alias }]];
    case "device-removed":
      return [["deviceRemoved", { alias: event.alias }]];
    case "device-removal-failed":
      return [["deviceRemovalFailed", { alias: event.alias }]];
    case "block-threshold": {
      const { device, path, threshold, excess } = event;
      const bytes = { threshold: BigInt(threshold), excess: BigInt(excess) };
      return [["blockThreshold", { device, path: path ?? null, ...bytes }]];
    }
    case "tunable": {
      const params = event.fields.map(({ field, ...value }) => ({ field, value }));
      return [["tunable", { params }]];
    }
    case "metadata-change":
      return [["metadataChange", { type: event.type, uri: event.uri ?? null }]];
    case "agent-lifecycle":
      return [["agentLifecycle", { state: event.state, reason: event.reason }]];
  }
}
