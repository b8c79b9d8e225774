// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode, ErrorDetails } from "../core/error-details.ts";
import { HostdevError } from "../core/errors.ts";
import { type Finding, toFinding } from "../core/finding.ts";

/** Something that stands in the way (`failure`), or may (`warning`), with the catalog's fix for it. */
export function problem<C extends ErrorCode>(
  level: "warning" | "failure",
  code: C,
  text: string,
  details: ErrorDetails[C],
): Finding {
  return toFinding(new HostdevError(code, text, details), level);
}

/** Something that stops nothing, with what could be done about it. */
export function advice(text: string, fix: string): Finding {
  return { level: "note", text, fix };
}
