// SPDX-License-Identifier: Apache-2.0

/** Decides the exit status of the commands (see `exitStatus`). */
export type ErrorCategory =
  | "invalid-argument"
  | "not-found"
  | "failed-precondition"
  | "permission-denied"
  | "resource-exhausted"
  | "conflict"
  | "unavailable"
  | "unsupported"
  | "protocol"
  | "internal";

/** Exit status per category; 0 is success, 1 is a check that found problems (`hostdev check`, `doctor`). */
export const exitStatus: Readonly<Record<ErrorCategory, number>> = {
  "invalid-argument": 2,
  "not-found": 3,
  "failed-precondition": 4,
  "permission-denied": 5,
  "resource-exhausted": 6,
  conflict: 7,
  unavailable: 8,
  unsupported: 9,
  protocol: 10,
  internal: 70,
};
