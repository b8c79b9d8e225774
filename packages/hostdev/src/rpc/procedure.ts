// SPDX-License-Identifier: Apache-2.0
import { type Codec, nothing } from "./xdr.ts";

/** One call of the protocol: its number and what it takes and gives. */
export interface Procedure<A = unknown, R = unknown> {
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

type Traits = Partial<Pick<Procedure, "writes" | "beforeOpen" | "streams" | "passes">>;

/** Declares a call. Without codecs it takes, or gives, nothing. */
export function procedure<A = void, R = void>(
  number: number,
  args: Codec<A> = nothing as Codec<unknown> as Codec<A>,
  result: Codec<R> = nothing as Codec<unknown> as Codec<R>,
  { writes = false, beforeOpen = false, streams = false, passes = false }: Traits = {},
): Procedure<A, R> {
  return { number, args, result, writes, beforeOpen, streams, passes };
}
