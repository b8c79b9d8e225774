// SPDX-License-Identifier: Apache-2.0
import { hasAgent, relayToAgent } from "../guest-agent.ts";
import { agentRefuses } from "../session-errors.ts";
import { agentTimeout } from "./agent-timeout.ts";
import type { ClientHandlers } from "./client.ts";
import { requireLive } from "./domain-block.ts";
import { findDomain } from "./domain-reference.ts";
import { checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP`. */
const humanFlag = 1;

/** Past us, to QEMU and to the agent in the guest. What they do we do not look at. */
export const qemuHandlers: ClientHandlers = {
  qemuDomainMonitorCommand: async ({ session }, { domain, command, flags }) => {
    checkFlags(flags, humanFlag);
    const found = findDomain(session, domain);
    const vm = requireLive(found);
    found.taint("custom monitor control commands issued");
    if ((flags & humanFlag) === 0) return { result: compact(await vm.process.relay(monitorCommand(command))) };
    return { result: await vm.process.execute("human-monitor-command", { "command-line": command }, 60_000) };
  },
  qemuDomainAgentCommand: async ({ host, session }, { domain, command, timeout, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    const vm = requireLive(found);
    if (hasAgent(vm.domain)) found.taint("custom guest agent control commands issued");
    const message = agentCommand(command);
    const answer = await relayToAgent(host, vm.domain, message, agentTimeout(timeout));
    const failure = answer["error"] as { readonly class?: string; readonly desc?: string } | undefined;
    if (failure !== undefined) throw agentRefuses(vm.domain.name, String(message["execute"]), failure);
    return { result: JSON.stringify(answer) };
  },
};

/** A whole command, or the name of one that needs no arguments. */
function monitorCommand(text: string): Readonly<Record<string, unknown>> {
  return parseObject(text) ?? { execute: text };
}

/** Without the spaces of QEMU's, as libvirt gives it; a text in it stays whole. */
function compact(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}

function agentCommand(text: string): Readonly<Record<string, unknown>> {
  const command = parseObject(text);
  if (command === undefined) throw invalidArgument("the command of the guest agent is not a JSON object");
  return command;
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
