// SPDX-License-Identifier: Apache-2.0
import { program as programs } from "./packet.ts";
import { type Codec, nothing } from "./xdr.ts";

/** One call of the protocol: its number in its program, and what it takes and gives. */
export interface Procedure<A = unknown, R = unknown> {
  readonly program: number;
  readonly number: number;
  readonly args: Codec<A>;
  readonly result: Codec<R>;
  /** Changes something: refused on a read-only connection. */
  readonly writes: boolean;
  /** Allowed before the connection is opened. */
  readonly beforeOpen: boolean;
  /** The reply is followed by a stream. */
  readonly streams: boolean;
  /** The reply carries an open connection. */
  readonly passes: boolean;
}

type Traits = Partial<Pick<Procedure, "program" | "writes" | "beforeOpen" | "streams" | "passes">>;

/** Declares a call. Without codecs it takes, or gives, nothing. */
export function procedure<A = void, R = void>(
  number: number,
  args: Codec<A> = nothing as Codec<unknown> as Codec<A>,
  result: Codec<R> = nothing as Codec<unknown> as Codec<R>,
  { program = programs.remote, writes = false, beforeOpen = false, streams = false, passes = false }: Traits = {},
): Procedure<A, R> {
  return { program, number, args, result, writes, beforeOpen, streams, passes };
}
