// SPDX-License-Identifier: Apache-2.0
import { domain, nodeDevice, optionalString, storagePool, string, typedParameter } from "./objects.ts";
import { type Codec, type Infer, i32, i64, list, struct, u64 } from "./xdr.ts";

/** A message that a server sends unasked, to a client that has registered for it. */
export interface EventMessage<T = unknown> {
  readonly number: number;
  /** What a client registers for (`virDomainEventID`, `virNodeDeviceEventID`, `virStoragePoolEventID`). */
  readonly id: number;
  readonly kind: "domain" | "node-device" | "storage-pool";
  /** Its first field is always the number that the registration got. */
  readonly codec: Codec<T>;
}

function domainEvent<const F extends Readonly<Record<string, unknown>>>(id: number, number: number, fields: F) {
  return { id, number, kind: "domain", codec: struct({ callbackId: i32, domain, ...fields }) } as const;
}

/** These have a reason, always 0, before the domain. */
function powerEvent(id: number, number: number) {
  return { id, number, kind: "domain", codec: struct({ callbackId: i32, reason: i32, domain }) } as const;
}

/** The events that hostdev knows, by libvirt's names. */
export const events = {
  lifecycle: domainEvent(0, 318, { event: i32, detail: i32 }),
  reboot: domainEvent(1, 319, {}),
  rtcChange: domainEvent(2, 320, { offset: i64 }),
  watchdog: domainEvent(3, 321, { action: i32 }),
  ioError: domainEvent(4, 322, { path: string, alias: string, action: i32 }),
  ioErrorReason: domainEvent(6, 324, { path: string, alias: string, action: i32, reason: string }),
  controlError: domainEvent(7, 325, {}),
  blockJob: domainEvent(8, 326, { path: string, type: i32, status: i32 }),
  trayChange: domainEvent(10, 328, { alias: string, reason: i32 }),
  pmWakeup: powerEvent(11, 329),
  pmSuspend: powerEvent(12, 330),
  balloonChange: domainEvent(13, 331, { actualKiB: u64 }),
  pmSuspendDisk: powerEvent(14, 332),
  deviceRemoved: domainEvent(15, 333, { alias: string }),
  blockJob2: domainEvent(16, 334, { target: string, type: i32, status: i32 }),
  tunable: domainEvent(17, 346, { params: list(typedParameter, 2048) }),
  agentLifecycle: domainEvent(18, 348, { state: i32, reason: i32 }),
  deviceAdded: domainEvent(19, 354, { alias: string }),
  deviceRemovalFailed: domainEvent(22, 367, { alias: string }),
  blockThreshold: domainEvent(24, 385, { device: string, path: optionalString, threshold: u64, excess: u64 }),
  metadataChange: domainEvent(23, 379, { type: i32, uri: optionalString }),
  nodeDeviceLifecycle: {
    id: 0,
    number: 376,
    kind: "node-device",
    codec: struct({ callbackId: i32, device: nodeDevice, event: i32, detail: i32 }),
  },
  nodeDeviceUpdate: {
    id: 1,
    number: 377,
    kind: "node-device",
    codec: struct({ callbackId: i32, device: nodeDevice }),
  },
  storagePoolLifecycle: {
    id: 0,
    number: 370,
    kind: "storage-pool",
    codec: struct({ callbackId: i32, pool: storagePool, event: i32, detail: i32 }),
  },
  storagePoolRefresh: {
    id: 1,
    number: 373,
    kind: "storage-pool",
    codec: struct({ callbackId: i32, pool: storagePool }),
  },
} as const;

export type EventName = keyof typeof events;
/** What an event says, without the registration's number. */
export type EventPayload<N extends EventName> = Omit<Infer<(typeof events)[N]["codec"]>, "callbackId">;

/** How many kinds of domain events there are (`VIR_DOMAIN_EVENT_ID_LAST`); clients register for all. */
export const domainEventKinds = 28;

const byNumber: ReadonlyMap<number, EventName> = new Map(
  Object.entries(events).map(([name, { number }]) => [number, name as EventName]),
);

/** The event with this procedure number. */
export function eventByNumber(
  number: number,
): { readonly name: EventName; readonly message: EventMessage } | undefined {
  const name = byNumber.get(number);
  return name === undefined ? undefined : { name, message: events[name] as EventMessage };
}
