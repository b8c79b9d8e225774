// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { agentRefuses, agentUnresponsive, noAgent } from "./session-errors.ts";
import { agentPort } from "./vm-events.ts";

/** How long the agent may take to answer when nobody says how long; as libvirt's default. */
export const agentTimeoutMs = 5000;
/** A guest that obeys does not answer; one that cannot says so at once. */
const refusalTimeoutMs = 1000;
const maxLineLength = 16 * 1024 * 1024;

/** An answer of the agent, as it is. */
export type AgentAnswer = Readonly<Record<string, unknown>>;

/** QEMU's socket takes one client at a time: by live definition, what is under way there. */
const underWay = new WeakMap<Domain, Promise<unknown>>();

/** Whether the guest has a port for an agent. */
export function hasAgentPort(domain: Domain): boolean {
  return agentChannel(domain) !== undefined;
}

/** Whether the guest has an agent that is connected now. */
export function hasAgent(domain: Domain): boolean {
  const { target } = agentChannel(domain) ?? {};
  return target?.type === "virtio" && target.state === "connected";
}

function agentChannel({ devices }: Domain) {
  return devices.channels.find(
    (channel) => channel.type === "unix" && channel.target.type === "virtio" && channel.target.name === agentPort,
  );
}

/**
 * Has the agent in the guest do something, and awaits its answer.
 *
 * @param domain the live definition.
 * @param timeoutMs for the answer; `undefined` waits as long as the guest runs.
 * @returns what it returns.
 * @throws {HostdevError} `HD_NO_AGENT`; `HD_AGENT_UNRESPONSIVE`; `HD_AGENT_COMMAND` with the agent's words.
 * @see https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
export async function callAgent(
  host: Host,
  domain: Domain,
  execute: string,
  args?: object,
  timeoutMs: number | undefined = agentTimeoutMs,
): Promise<unknown> {
  const message = args === undefined ? { execute } : { execute, arguments: args };
  const answer = await relayToAgent(host, domain, message, timeoutMs);
  const failure = answer["error"] as { readonly class?: string; readonly desc?: string } | undefined;
  if (failure !== undefined) throw agentRefuses(domain.name, execute, failure);
  return answer["return"];
}

/** Passes a command on to the agent. @returns its answer, also when that is an error. @throws as `callAgent`. */
export async function relayToAgent(
  host: Host,
  domain: Domain,
  message: object,
  timeoutMs: number | undefined = agentTimeoutMs,
): Promise<AgentAnswer> {
  return withAgent(host, domain, async (stream, lines) => {
    send(stream, message);
    const answer = await lines.find((one) => "return" in one || "error" in one, timeoutMs);
    if (answer === undefined) throw agentUnresponsive(domain.name, "silent");
    return answer;
  });
}

/**
 * Has the agent in the guest shut it down or reboot it, which it does not answer.
 *
 * @throws {HostdevError} as `callAgent`.
 */
export async function askAgent(host: Host, domain: Domain, mode: "powerdown" | "reboot"): Promise<void> {
  await withAgent(host, domain, async (stream, lines) => {
    send(stream, { execute: "guest-shutdown", arguments: { mode } });
    const refusal = await lines.find((message) => message["error"] !== undefined, refusalTimeoutMs);
    if (refusal !== undefined) throw agentRefuses(domain.name, "guest-shutdown", refusal["error"] as object);
  });
}

/** Connects, finds out whether anybody listens on the other side, and does the task. One after the other. */
function withAgent<T>(
  host: Host,
  domain: Domain,
  task: (stream: Duplex, lines: ReturnType<typeof readLines>) => Promise<T>,
): Promise<T> {
  const channel = agentChannel(domain);
  const path = channel?.type === "unix" ? channel.source?.path : undefined;
  if (path === undefined) return Promise.reject(noAgent(domain.name));
  if (!hasAgent(domain)) return Promise.reject(agentUnresponsive(domain.name, "not-connected"));
  const turn = (underWay.get(domain) ?? Promise.resolve()).then(async () => {
    const stream = await host.connect(path);
    if (stream === undefined) throw agentUnresponsive(domain.name, "not-connected");
    const lines = readLines(stream);
    try {
      const id = Math.floor(Math.random() * 2 ** 31);
      send(stream, { execute: "guest-sync", arguments: { id } });
      // What an earlier client did not wait for may still come before.
      const isSynced = await lines.find((message) => message["return"] === id, agentTimeoutMs);
      if (isSynced === undefined) throw agentUnresponsive(domain.name, "silent");
      return await task(stream, lines);
    } finally {
      stream.destroy();
    }
  });
  underWay.set(
    domain,
    turn.catch(() => {}),
  );
  return turn;
}

function send(stream: Duplex, message: object): void {
  stream.write(`${JSON.stringify(message)}\n`);
}

/** The agent's answers. What was left from before, and is no JSON, is passed over. */
function readLines(stream: Duplex) {
  let rest = "";
  let listener: ((message: AgentAnswer) => void) | undefined;
  stream.setEncoding("utf8");
  stream.on("error", () => {}); // then there is no answer
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = (lines.pop() ?? "").slice(-maxLineLength);
    for (const line of lines) {
      const message = tryJson(line);
      if (message !== undefined) listener?.(message);
    }
  });
  return {
    find: (isWanted: (message: AgentAnswer) => boolean, timeoutMs: number | undefined) =>
      new Promise<AgentAnswer | undefined>((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(() => resolve(undefined), timeoutMs);
        const finish = (message?: AgentAnswer) => {
          clearTimeout(timer);
          resolve(message);
        };
        stream.once("close", () => finish());
        listener = (message) => {
          if (isWanted(message)) finish(message);
        };
      }),
  };
}

function tryJson(text: string): AgentAnswer | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as AgentAnswer) : undefined;
  } catch {
    return undefined; // the guest may send anything
  }
}
