// SPDX-License-Identifier: Apache-2.0

/**
 * Network cards on a bridge of the host. Only root can make a tap device; qemu-bridge-helper does it for users, and
 * sends it to whom it is told. QEMU's own sandbox keeps it from running such a program, so we run it, and have it send
 * the device over the monitor: see docs/decisions/0012-bridges.md.
 */
import type { Duplex } from "node:stream";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { InterfaceOf } from "../domain/devices/network-interface.ts";
import type { Domain } from "../domain/domain.ts";
import { interfaceArguments } from "../qemu/arguments/interface.ts";
import { comesLater } from "../qemu/arguments/tap.ts";
import type { QemuEnvironment } from "../qemu/environment.ts";
import { type PlugCommand, toPlugCommands } from "./hotplug/commands.ts";
import type { VmProcess } from "./vm-process.ts";

/** A card on a bridge, and the commands that plug it into a QEMU that has its tap device. */
export interface BridgeCard {
  readonly card: InterfaceOf<"bridge">;
  readonly commands: readonly PlugCommand[];
}

/** The cards of a domain that get their bridge only when QEMU is there. Pure. @throws as `buildArguments`. */
export function bridgeCards(domain: Domain, environment: QemuEnvironment): BridgeCard[] {
  const build = { domain, environment, fdSets: { next: 0 } };
  return domain.devices.interfaces.flatMap((card) =>
    comesLater(environment, card) ? [{ card, commands: toPlugCommands(interfaceArguments(build, card), card) }] : [],
  );
}

/**
 * Plugs cards into a QEMU whose guest has not run, and resets it: to the guest they have been there from the start.
 *
 * @throws {HostdevError} as `lendTap`; `HD_QMP_COMMAND`.
 */
export async function plugBridgeCards(host: Host, process: VmProcess, cards: readonly BridgeCard[]): Promise<void> {
  for (const { card, commands } of cards) {
    await lendTap(host, process, card);
    for (const { execute, arguments: given } of commands) await process.execute(execute, given);
  }
  if (cards.length > 0) await process.execute("system_reset");
}

/** Where distributions put the program: Fedora, Debian, Arch. */
const helpers = ["/usr/libexec/qemu-bridge-helper", "/usr/lib/qemu/qemu-bridge-helper", "/usr/lib/qemu-bridge-helper"];

/** The program that puts a tap device on a bridge for a user; `undefined` when it is not installed. */
export function findBridgeHelper(host: Host): string | undefined {
  return helpers.find((path) => host.status(path) !== undefined);
}

/**
 * Has a tap device made on the card's bridge, and gives it to QEMU under the name that `-netdev` names; the live
 * definition gets the device's name. It goes when QEMU lets go of it.
 *
 * Touches: runs qemu-bridge-helper, which makes the device if its administrator allows it. Needs: nothing.
 * @throws {HostdevError} `HD_COMMAND_NOT_FOUND`; `HD_COMMAND_FAILED` with the program's words; `HD_QMP_COMMAND`.
 */
export async function lendTap(host: Host, process: VmProcess, card: InterfaceOf<"bridge">): Promise<void> {
  const { bridge } = card.source;
  const command = findBridgeHelper(host) ?? "qemu-bridge-helper";
  const before = tapFiles(host, process.identity.pid);
  await process.receiveFile(`host${card.alias}`, async (connection: Duplex) => {
    const { status, stderr } = await host.run(command, ["--use-vnet", `--br=${bridge}`, "--fd=3"], { connection });
    if (status === 0) return;
    const message = `Cannot connect ${card.alias} to bridge ${bridge}: ${stderr.trim() || `${command}: status ${status}`}`;
    throw new HostdevError("HD_COMMAND_FAILED", message, { command, status, stderr: stderr.trim() });
  });
  const [file] = [...tapFiles(host, process.identity.pid)].filter((one) => !before.has(one));
  const dev = /^iff:\s*(\S+)$/m.exec(host.readText(`/proc/${process.identity.pid}/fdinfo/${file}`) ?? "")?.[1];
  if (dev !== undefined) card.target = { ...card.target, dev };
}

/** The open files of a process that are tap devices. */
function tapFiles(host: Host, pid: number): ReadonlySet<string> {
  const files = host.list(`/proc/${pid}/fd`) ?? [];
  return new Set(files.filter((file) => host.readLink(`/proc/${pid}/fd/${file}`) === "/dev/net/tun"));
}
