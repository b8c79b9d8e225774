// SPDX-License-Identifier: Apache-2.0
import { agentTimeoutMs } from "../guest-agent.ts";
import { invalidArgument } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_QEMU_AGENT_COMMAND_*` and `VIR_DOMAIN_AGENT_RESPONSE_TIMEOUT_*`, which clients send instead of seconds. */
const block = -2;
const byDefault = -1;

/**
 * How long a client wants to wait for the agent.
 *
 * @returns milliseconds; `undefined` is as long as it takes.
 * @throws {HostdevError} libvirt's error for less than the least.
 */
export function agentTimeout(seconds: number): number | undefined {
  if (seconds < block) throw invalidArgument(`guest agent timeout '${seconds}' is less than the minimum '${block}'`);
  if (seconds === block) return undefined;
  return seconds === byDefault ? agentTimeoutMs : 1000 * seconds;
}
