// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Binding } from "../vfio/binding.ts";
import { quarantineDirectory } from "./paths.ts";
import { addressText, binding, id } from "./record-parts.ts";
import { removeEmptyFolders } from "./store.ts";

/**
 * A device that a user had, and that is not known to be in a state in which the host may trust it. It is held on
 * pci-stub, out of everyone's reach, until an administrator releases it.
 */
export interface Quarantine {
  readonly address: string;
  readonly vendorId: number;
  readonly deviceId: number;
  /** Why, as a clause: `its reset failed: ...`. */
  readonly reason: string;
  /** Who had it. */
  readonly user: string;
  /** ISO 8601, UTC. */
  readonly since: string;
  /** The boot in which `home` is what it was. */
  readonly bootId: string;
  /** Driver and override that it is to have when it is trusted again. */
  readonly home: Binding;
  /** Whether pci-stub was loaded for it, and goes with it. */
  readonly loadedStub: boolean;
}

const schema = v.strictObject({
  version: v.literal(1),
  address: addressText,
  vendorId: id,
  deviceId: id,
  reason: v.string(),
  user: v.string(),
  since: v.string(),
  bootId: v.string(),
  home: binding,
  loadedStub: v.boolean(),
});

const pathOf = (address: string) => `${quarantineDirectory}/${address}.json`;

/**
 * All devices in quarantine, by address.
 *
 * Touches: reads `/var/lib/hostdev/quarantine`. Needs: nothing.
 * @throws {HostdevError} `HD_JOURNAL_INVALID` for a file that this program did not write.
 */
export function readQuarantines(host: Host): readonly Quarantine[] {
  const names = [...(host.list(quarantineDirectory) ?? [])].filter((name) => /^[0-9a-f:.]+\.json$/.test(name)).sort();
  return names
    .map((name) => readQuarantine(host, name.slice(0, -".json".length)))
    .filter((found) => found !== undefined);
}

/** The quarantine of one device; `undefined` when it is in none. */
export function readQuarantine(host: Host, address: string): Quarantine | undefined {
  const path = pathOf(address);
  const text = host.readText(path);
  if (text === undefined) return undefined;
  try {
    const { version: _, ...quarantine } = v.parse(schema, JSON.parse(text));
    if (quarantine.address !== address) throw new Error(`it is about ${quarantine.address}`);
    return quarantine;
  } catch (cause) {
    throw new HostdevError("HD_JOURNAL_INVALID", `Cannot read ${path}`, { path, line: 1 }, { cause });
  }
}

/** Puts a device into quarantine, as far as the record goes; it is on the disk when this returns. Needs: root. */
export function writeQuarantine(host: Host, quarantine: Quarantine): void {
  host.makeDirectory(quarantineDirectory, 0o755);
  host.writeFile(pathOf(quarantine.address), `${JSON.stringify({ version: 1, ...quarantine })}\n`, 0o644);
}

/** Ends a quarantine, as far as the record goes. Needs: root. */
export function removeQuarantine(host: Host, address: string): void {
  host.removeFile(pathOf(address));
  removeEmptyFolders(host);
}
