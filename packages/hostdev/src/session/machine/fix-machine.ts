// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import type { Domain } from "../../domain/domain.ts";

/**
 * Writes the full name of the machine into a definition, as libvirt does: `q35` is another machine with each release of
 * QEMU, and a guest is to find the one that it was installed on. Without the emulator, the name stays as it is.
 *
 * Touches: runs the emulator with `-machine help`, unless the name is a full one. Needs: nothing.
 */
export async function fixMachine(host: Host, domain: Domain, emulator: string): Promise<void> {
  const { type } = domain.os;
  const name = type.machine ?? "pc";
  if (/-\d/.test(name)) return;
  try {
    const { status, stdout } = await host.run(emulator, ["-machine", "help"]);
    const fullName = status === 0 ? findAlias(stdout, name) : undefined;
    if (fullName !== undefined) type.machine = fullName;
  } catch (error) {
    if (!isHostdevError(error, "HD_COMMAND_NOT_FOUND")) throw error;
  }
}

/** `pc-q35-7.2` for `q35`, in what QEMU prints for `-machine help`. Pure. */
export function findAlias(help: string, name: string): string | undefined {
  const aliases = help.matchAll(/^(\S+) .*\(alias of (\S+)\)$/gm);
  return [...aliases].find(([, alias]) => alias === name)?.[2];
}
