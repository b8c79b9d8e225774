// SPDX-License-Identifier: Apache-2.0
import { catalog } from "./error-catalog.ts";
import type { ErrorCategory } from "./error-category.ts";
import type { ErrorCode, ErrorDetails } from "./error-details.ts";

const brand = Symbol.for("hostdev.error");

/**
 * The one error class. The message names the thing, its state and the act that failed; the hint names the next
 * command; what caused it is in `cause` and is never repeated in the message.
 */
export class HostdevError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "HostdevError";
  readonly code: C;
  readonly details: ErrorDetails[C];
  readonly [brand] = true;

  constructor(code: C, message: string, details: ErrorDetails[C], options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  get category(): ErrorCategory {
    return catalog[this.code].category;
  }

  /** The next thing to do, as one sentence; `undefined` when there is nothing useful to say. */
  get hint(): string | undefined {
    return catalog[this.code].hint?.(this.details);
  }

  /** The form that `--json` prints. */
  toJSON(): object {
    return {
      code: this.code,
      category: this.category,
      message: this.message,
      details: this.details,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      causes: causesOf(this),
    };
  }
}

/**
 * Tells whether a caught value is a `HostdevError`, of this code if one is given.
 * Works across copies of the library, which `instanceof` does not.
 */
export function isHostdevError<C extends ErrorCode>(error: unknown, code?: C): error is HostdevError<C> {
  return (
    typeof error === "object" &&
    error !== null &&
    brand in error &&
    (code === undefined || (error as HostdevError).code === code)
  );
}

/** Turns any thrown value into a `HostdevError`; what is not one already becomes `HD_INTERNAL`. */
export function toHostdevError(error: unknown): HostdevError {
  if (isHostdevError(error)) return error;
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new HostdevError("HD_INTERNAL", `Unexpected failure: ${text}`, {}, { cause: error });
}

/** The messages of the chain of causes, outermost first, without the error's own. */
export function causesOf(error: unknown): string[] {
  const causes: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < 8) {
    if (cause instanceof AggregateError)
      causes.push(...cause.errors.map((e) => (e instanceof Error ? e.message : String(e))));
    else causes.push(cause instanceof Error ? cause.message : String(cause));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
