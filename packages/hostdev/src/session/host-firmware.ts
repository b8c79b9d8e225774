// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { type FirmwareDescriptor, parseFirmwareDescriptor } from "../qemu/firmware.ts";

/**
 * The firmware that this machine has for virtual machines, in the order of preference.
 *
 * A descriptor in the user's own folder, or in /etc, takes the place of the system's of the same name; an empty one
 * hides it. What comes first by name is preferred. Source: QEMU's docs/interop/firmware.json.
 *
 * Touches: reads. Needs: nothing.
 */
export function readFirmware(host: Host): readonly FirmwareDescriptor[] {
  const config = host.environment("XDG_CONFIG_HOME") ?? `${host.environment("HOME") ?? "/nonexistent"}/.config`;
  const folders = [`${config}/qemu/firmware`, "/etc/qemu/firmware", "/usr/share/qemu/firmware"];
  const chosen = new Map<string, string>();
  for (const folder of folders) {
    for (const name of host.list(folder) ?? [])
      if (name.endsWith(".json") && !chosen.has(name)) chosen.set(name, `${folder}/${name}`);
  }
  return [...chosen].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, path]) => readDescriptor(host, path) ?? []);
}

function readDescriptor(host: Host, path: string): FirmwareDescriptor | undefined {
  const text = host.canAccess(path, "read") ? host.readText(path) : undefined;
  return text === undefined || text.trim() === "" ? undefined : parseFirmwareDescriptor(text);
}
