// SPDX-License-Identifier: Apache-2.0
import type { BridgeProblem } from "../core/error-details.ts";
import { HostdevError } from "../core/errors.ts";
import { type Finding, note, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readProc } from "../core/processes.ts";
import type { Domain } from "../domain/domain.ts";
import { bridgeAccessFile, isBridgeAllowed } from "./bridge-access.ts";
import { findBridgeHelper } from "./bridge-cards.ts";

/**
 * Checks that the caller will get the bridges that a VM's cards are on: they are there, and qemu-bridge-helper is able
 * and allowed to lend them.
 *
 * Touches: reads sysfs and the helper's rules; may run `getcap`. Needs: nothing.
 */
export async function checkBridges(host: Host, { devices }: Domain): Promise<readonly Finding[]> {
  const cards = devices.interfaces.flatMap((card) => (card.type === "bridge" ? [card.source.bridge] : []));
  const bridges = [...new Set(cards)];
  if (bridges.length === 0) return [];
  return [...(await checkHelper(host, bridges)), ...bridges.flatMap((bridge) => checkBridge(host, bridge))];
}

async function checkHelper(host: Host, bridges: readonly string[]): Promise<readonly Finding[]> {
  const helper = findBridgeHelper(host);
  const [bridge = ""] = bridges;
  if (helper === undefined) return [problem(bridge, "no-helper", "qemu-bridge-helper is not installed")];
  const mode = host.status(helper)?.mode ?? 0;
  if ((mode & 0o4000) === 0 && !(await hasCapability(host, helper)))
    return [problem(bridge, "helper-unprivileged", `${helper} may not make tap devices`, helper)];
  if (!host.canAccess(helper, "read") && (mode & 0o001) === 0)
    return [problem(bridge, "helper-forbidden", `${helper} is not yours to run`, helper)];
  if (/^NoNewPrivs:\s*1$/m.test(readProc(host, host.self.pid, "status") ?? ""))
    return [
      problem(bridge, "no-new-privileges", "this process may gain no privileges, so neither may the helper", helper),
    ];
  return [];
}

/** Some distributions give the program the one privilege that it needs instead of all of root's. */
async function hasCapability(host: Host, path: string): Promise<boolean> {
  const found = await host.run("getcap", [path]).catch(() => undefined);
  return found?.stdout.includes("cap_net_admin") === true;
}

function checkBridge(host: Host, bridge: string): readonly Finding[] {
  const device = `/sys/class/net/${bridge}`;
  if (bridge.includes("/") || host.realPath(device) === undefined)
    return [problem(bridge, "missing", "there is no such network device")];
  if (host.status(`${device}/bridge`) === undefined) return [problem(bridge, "not-a-bridge", "it is no bridge")];
  const isAllowed = isBridgeAllowed(host, bridge);
  if (isAllowed === undefined)
    return [note(`Bridge ${bridge}: whether you may use it, ${bridgeAccessFile} says, which you may not read`)];
  if (isAllowed) return [ok(`bridge ${bridge} may be used`)];
  return [problem(bridge, "not-allowed", `${bridgeAccessFile} does not allow it`)];
}

function problem(bridge: string, what: BridgeProblem, state: string, helper?: string): Finding {
  const message = `Cannot use bridge ${bridge}: ${state}`;
  const details = { bridge, problem: what, ...(helper === undefined ? {} : { helper }) };
  return toFinding(new HostdevError("HD_NETWORK_BRIDGE", message, details));
}
