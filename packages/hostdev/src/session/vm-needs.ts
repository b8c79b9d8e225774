// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import type { MemlockRequirement } from "../memlock/requirement.ts";

/** A file that QEMU opens for a VM. */
export interface NeededFile {
  readonly path: string;
  readonly access: "read" | "read-write";
  /** For messages: `disk vda`, `kernel`. */
  readonly what: string;
}

/** What a VM wants from its host, as far as a check can look at it beforehand. */
export interface VmNeeds {
  readonly name: string;
  readonly memoryBytes: number;
  /** Kernel spelling, in the order of the domain. */
  readonly hostDevices: readonly string[];
  readonly memlock: MemlockRequirement;
  readonly files: readonly NeededFile[];
  readonly emulator: string;
  readonly isKvm: boolean;
  readonly domain: Domain;
}
