// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Host, SocketAddress } from "../core/host.ts";
import type { ErrorPayload } from "./error-payload.ts";
import type { ArgumentsOf, ProcedureName, ResultOf } from "./procedures.ts";
import type { ServerConnection } from "./server-connection.ts";

/** Calls whose reply is followed by a stream; their handlers give its other end too. */
export type StreamingProcedure = "domainOpenConsole" | "domainScreenshot";

/** The answer to such a call: its reply, and what follows. */
export interface Streamed<R> {
  readonly reply: R;
  readonly stream: Duplex;
}

/** Calls whose reply carries an open connection; their handlers tell to whom. */
export type PassingProcedure = "domainOpenGraphicsFd";

/** Does one call. `context` is what the service keeps of the calling client. */
export type Handler<C, N extends ProcedureName> = (
  context: C,
  args: ArgumentsOf<N>,
) => N extends StreamingProcedure
  ? Promise<Streamed<ResultOf<N>>>
  : N extends PassingProcedure
    ? SocketAddress
    : ResultOf<N> | Promise<ResultOf<N>>;

/** By name, what a service can do; the rest is answered with "not supported". */
export type Handlers<C> = { readonly [N in ProcedureName]?: Handler<C, N> };

/** What a server offers on each of its connections. */
export interface RpcService<C> {
  readonly handlers: Handlers<C>;
  /** Makes what is kept of a client. */
  readonly accept: (connection: ServerConnection) => C;
  /** As `Host.passConnection`; without it no call may need it. */
  readonly passConnection?: Host["passConnection"];
  /** Turns what a handler threw into what the client is told. */
  readonly toPayload: (error: unknown) => ErrorPayload;
}
