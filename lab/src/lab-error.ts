// SPDX-License-Identifier: Apache-2.0

/**
 * A failure of the lab itself, not of what runs in it: something is missing, or the machine did not do as told.
 *
 * The message is one sentence without a period; the hint says what to do.
 */
export class LabError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, options: { readonly hint?: string | undefined; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "LabError";
    this.hint = options.hint;
  }
}

/** The text to show a person: message, hint and causes, one a line. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const lines = [error instanceof LabError ? error.message : (error.stack ?? error.message)];
  if (error instanceof LabError && error.hint !== undefined) lines.push(`  hint: ${error.hint}`);
  if (error.cause !== undefined) lines.push(`  because: ${describeError(error.cause)}`);
  return lines.join("\n");
}
