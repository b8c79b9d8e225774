// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "./error-details.ts";
import type { HostdevError } from "./errors.ts";

/**
 * What a check found. A check reports everything at once; an action throws the first thing that stops it.
 * Both use the same codes and hints.
 */
export interface Finding {
  readonly level: "ok" | "note" | "warning" | "failure";
  /** The error an action would have thrown; absent for `ok` and `note`. */
  readonly code?: ErrorCode;
  /** One sentence that names the thing and its state. */
  readonly text: string;
  /** The command or act that mends it, and who must do it. */
  readonly fix?: string;
  readonly details?: object;
}

/** A passed check. */
export function ok(text: string, details?: object): Finding {
  return { level: "ok", text, ...(details === undefined ? {} : { details }) };
}

/** Something worth knowing that stops nothing. */
export function note(text: string): Finding {
  return { level: "note", text };
}

/** The finding that says what this error says. */
export function toFinding(error: HostdevError, level: "warning" | "failure" = "failure"): Finding {
  return {
    level,
    code: error.code,
    text: error.message,
    ...(error.hint === undefined ? {} : { fix: error.hint }),
    details: error.details,
  };
}

/** Whether anything found would stop the act that the check is for. */
export function hasFailure(findings: readonly Finding[]): boolean {
  return findings.some((finding) => finding.level === "failure");
}
