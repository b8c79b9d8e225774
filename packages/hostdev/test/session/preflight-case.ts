// SPDX-License-Identifier: Apache-2.0

/** A VM for the driver of the lab's comparison of check and QEMU. */
export interface PreflightCase {
  readonly xml: string;
  /** What QEMU is started with when the check's XML cannot be turned into arguments at all. */
  readonly startXml?: string;
  /** Given to QEMU behind our arguments. */
  readonly extraArgs?: readonly string[];
  readonly probesQemu?: boolean;
  /** QEMU is started with the soft memlock limit as it is. */
  readonly keepsSoft?: boolean;
}

export interface PreflightResult {
  /** Of the failures that the check found. */
  readonly codes: readonly string[];
  /** All findings. */
  readonly texts: readonly string[];
  /** What QEMU said; `null` when it came up. */
  readonly said: string | null;
}
