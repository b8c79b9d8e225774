// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import type { ServerConnection } from "../../rpc/server-connection.ts";
import type { Handlers } from "../../rpc/service.ts";
import type { MachineFacts } from "../machine/machine-facts.ts";
import type { NodeDeviceWatch } from "../node-device-watch.ts";
import type { Session } from "../session-api.ts";
import type { Pools } from "../storage/pools.ts";
import type { Registrations } from "./registrations.ts";

/** What all clients of a daemon share. */
export interface Service {
  readonly host: Host;
  readonly session: Session;
  readonly machine: MachineFacts;
  readonly nodeDevices: NodeDeviceWatch;
  readonly pools: Pools;
}

/** One client: what a handler gets to know of its caller. */
export interface Client extends Service {
  readonly connection: ServerConnection;
  readonly registrations: Registrations;
}

/** Some of the calls, for one family of them. */
export type ClientHandlers = Handlers<Client>;
