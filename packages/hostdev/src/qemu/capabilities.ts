// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";

/** A release of QEMU. */
export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
}

/**
 * What a release of QEMU can do, as far as the arguments depend on it. From QEMU's release notes and its
 * `-device help`; everything since 6.2, the first that takes JSON, is taken for granted.
 */
export interface QemuCapabilities {
  readonly version: QemuVersion;
  /** `-netdev` takes JSON (7.2). */
  readonly netdevJson: boolean;
  /** The object `thread-context`, which allocates memory on given host nodes (7.2). */
  readonly threadContext: boolean;
  /** `hpet=` and `acpi=` of `-machine` (5.x) are assumed; `i8042=` came with 7.2. */
  readonly i8042Switch: boolean;
  /** `reconnect-ms=` of `-chardev socket` instead of `reconnect=` (9.2). */
  readonly reconnectMs: boolean;
  /** `reconnect=` of `-netdev stream` (8.0). */
  readonly streamReconnect: boolean;
  /** `-run-with` (8.1). */
  readonly runWith: boolean;
}

/** The oldest release whose arguments we write. */
export const oldestQemu: QemuVersion = { major: 6, minor: 2 };

/** The capabilities of a release. */
export function capabilitiesOf(version: QemuVersion): QemuCapabilities {
  const since = (major: number, minor: number) => isAtLeast(version, { major, minor });
  return {
    version,
    netdevJson: since(7, 2),
    threadContext: since(7, 2),
    i8042Switch: since(7, 2),
    reconnectMs: since(9, 2),
    streamReconnect: since(8, 0),
    runWith: since(8, 1),
  };
}

/** Whether a release is that one or a later one. */
export function isAtLeast(version: QemuVersion, other: QemuVersion): boolean {
  return version.major !== other.major ? version.major > other.major : version.minor >= other.minor;
}

/**
 * Reads a version such as `7.2`, `10.0.3`, or QEMU's own `QEMU emulator version 7.2.17 (Debian ...)`.
 *
 * @throws {HostdevError} `HD_INVALID_ARGUMENT` when there is none in it, or it is older than 6.2.
 */
export function parseQemuVersion(text: string): QemuVersion {
  const match = /(?:^|version )(\d{1,3})\.(\d{1,3})/.exec(text);
  const version = { major: Number(match?.[1]), minor: Number(match?.[2]) };
  if (match === null || !isAtLeast(version, oldestQemu)) {
    throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(text)} as a version of QEMU`, {
      argument: "--qemu-version",
      value: text,
      expected: `a version from ${oldestQemu.major}.${oldestQemu.minor} on, such as 7.2 or 10.0`,
    });
  }
  return version;
}
