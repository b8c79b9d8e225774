// SPDX-License-Identifier: Apache-2.0
import { domainEventKinds, type EventName, type EventPayload, events } from "../../rpc/events.ts";
import type { ServerConnection } from "../../rpc/server-connection.ts";
import type { NodeDeviceWatch } from "../node-device-watch.ts";
import type { Session } from "../session-api.ts";
import { type Pools, poolChange } from "../storage/pools.ts";
import { toEvents } from "./domain-events.ts";
import { toWire } from "./domain-reference.ts";
import { invalidArgument } from "./libvirt-errors.ts";
import { toWire as poolToWire } from "./storage-pools.ts";

/** What a client registers for events of: its kind, and how many kinds of events there are. */
const kinds = { domain: domainEventKinds, "node-device": 2, network: 2, "storage-pool": 2, secret: 2 };
export type EventSource = keyof typeof kinds;

interface Registration {
  readonly source: EventSource;
  readonly eventId: number;
  /** Only of the domain with this UUID, or the device with this name. */
  readonly object: string | undefined;
}

/** Where events come from. */
export interface EventSources {
  readonly session: Session;
  readonly nodeDevices: NodeDeviceWatch;
  readonly pools: Pools;
}

/** The events that one client has asked for. */
export class Registrations {
  readonly #connection: ServerConnection;
  readonly #sources: { readonly [S in EventSource]?: () => () => void };
  readonly #entries = new Map<number, Registration>();
  /** By source, the end of listening to it. */
  readonly #listening = new Map<EventSource, () => void>();
  #lastId = 0;

  constructor(connection: ServerConnection, { session, nodeDevices, pools }: EventSources) {
    this.#connection = connection;
    this.#sources = {
      domain: () =>
        session.onEvent((domain, event) => {
          for (const [name, payload] of toEvents(event)) {
            this.#send("domain", domain.uuid, name, { domain: toWire(domain), ...payload });
          }
        }),
      "node-device": () =>
        nodeDevices.onChange(({ name: device, change }) => {
          if (change === "updated")
            return this.#send("node-device", device, "nodeDeviceUpdate", { device: { name: device } });
          const event = change === "created" ? 0 : 1;
          this.#send("node-device", device, "nodeDeviceLifecycle", { device: { name: device }, event, detail: 0 });
        }),
      "storage-pool": () =>
        pools.onChange((changed, change) => {
          const pool = poolToWire(changed);
          if (change === "refreshed") return this.#send("storage-pool", changed.uuid, "storagePoolRefresh", { pool });
          const event = poolChange[change];
          this.#send("storage-pool", changed.uuid, "storagePoolLifecycle", { pool, event, detail: 0 });
        }),
    };
    void connection.closed.then(() => this.#end());
  }

  /**
   * Adds a registration.
   *
   * @returns its number, which events carry.
   * @throws {HostdevError} `HD_LIBVIRT_ERROR` for an event that libvirt does not have either.
   */
  add(source: EventSource, eventId: number, object?: string): number {
    if (eventId < 0 || eventId >= kinds[source]) throw invalidArgument(`unsupported event ID ${eventId}`);
    if (!this.#listening.has(source)) this.#listening.set(source, this.#sources[source]?.() ?? (() => {}));
    this.#lastId += 1;
    this.#entries.set(this.#lastId, { source, eventId, object });
    return this.#lastId;
  }

  /** @throws {HostdevError} `HD_LIBVIRT_ERROR` when this client has no such registration. */
  remove(source: EventSource, callbackId: number): void {
    if (this.#entries.get(callbackId)?.source !== source) {
      throw invalidArgument(`${source} event callback ${callbackId} not registered`);
    }
    this.#entries.delete(callbackId);
    if ([...this.#entries.values()].some((entry) => entry.source === source)) return;
    this.#listening.get(source)?.();
    this.#listening.delete(source);
  }

  #send<N extends EventName>(source: EventSource, object: string, name: N, payload: object): void {
    const { id } = events[name];
    for (const [callbackId, entry] of this.#entries) {
      if (entry.source !== source || entry.eventId !== id) continue;
      if (entry.object !== undefined && entry.object !== object) continue;
      this.#connection.sendEvent(name, callbackId, payload as EventPayload<N>);
    }
  }

  #end(): void {
    for (const stop of this.#listening.values()) stop();
    this.#listening.clear();
    this.#entries.clear();
  }
}
