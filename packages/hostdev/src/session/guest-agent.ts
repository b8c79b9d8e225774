// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { agentRefuses, agentUnresponsive, noAgent } from "./session-errors.ts";
import { agentPort } from "./vm-events.ts";

/** How long the agent may take to show that it is there, and to answer a command that says "the default". */
export const agentTimeoutMs = 5000;
/** A guest that is to power off and cannot says so at once. */
const refusalTimeoutMs = 1000;
/** How long a command waits for those before it; as libvirt's for a domain's lock. */
const turnTimeoutMs = 30_000;
const maxLineLength = 16 * 1024 * 1024;

/** An answer of the agent, as it is. */
export type AgentAnswer = Readonly<Record<string, unknown>>;

/** What ends or stops the guest, and with it the agent. */
export type AgentAct = "powerdown" | "reboot" | "suspend-ram" | "suspend-disk" | "suspend-hybrid";

/** QEMU's socket takes one client at a time: by live definition, what is under way there. */
const underWay = new WeakMap<Domain, Promise<unknown>>();
/** The connection of what is under way. */
const connections = new WeakMap<Domain, Duplex>();
/** What somebody has set for the answers of an agent; without it, as long as it takes. */
const timeouts = new WeakMap<Domain, number>();

/** Whether the guest has a port for an agent. */
export function hasAgentPort(domain: Domain): boolean {
  return agentChannel(domain) !== undefined;
}

/** Whether the guest has an agent that is connected now. */
export function hasAgent(domain: Domain): boolean {
  const { target } = agentChannel(domain) ?? {};
  return target?.type === "virtio" && target.state === "connected";
}

/** Sets how long the agent may take for the answers to come; `undefined` is as long as it takes. Until the guest ends. */
export function setAgentTimeout(domain: Domain, timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) timeouts.delete(domain);
  else timeouts.set(domain, timeoutMs);
}

/** The agent is gone: what waits for its answer fails. */
export function giveUpAgent(domain: Domain): void {
  connections.get(domain)?.destroy();
}

function agentChannel({ devices }: Domain) {
  return devices.channels.find(
    (channel) => channel.type === "unix" && channel.target.type === "virtio" && channel.target.name === agentPort,
  );
}

/**
 * Has the agent in the guest do something, and awaits its answer.
 *
 * @param domain the live definition. The agent may take as long as it does, as trimming a large disk may, unless
 *   `setAgentTimeout` has said otherwise; its end is noticed.
 * @returns what it returns.
 * @throws {HostdevError} `HD_NO_AGENT`; `HD_AGENT_UNRESPONSIVE`; `HD_AGENT_COMMAND` with the agent's words.
 * @see https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
export async function callAgent(host: Host, domain: Domain, execute: string, args?: object): Promise<unknown> {
  const message = args === undefined ? { execute } : { execute, arguments: args };
  const answer = await relayToAgent(host, domain, message, timeouts.get(domain));
  const failure = answer["error"] as { readonly class?: string; readonly desc?: string } | undefined;
  if (failure !== undefined) throw agentRefuses(domain.name, execute, failure);
  return answer["return"];
}

/**
 * Passes a command on to the agent.
 *
 * @param timeoutMs for the answer; `undefined` is as long as it takes.
 * @returns its answer, also when that is an error.
 * @throws {HostdevError} as `callAgent`.
 */
export async function relayToAgent(
  host: Host,
  domain: Domain,
  message: object,
  timeoutMs: number | undefined,
): Promise<AgentAnswer> {
  return withAgent(host, domain, async (stream, lines) => {
    send(stream, message);
    const answer = await lines.find((one) => "return" in one || "error" in one, timeoutMs);
    if (answer === undefined) throw agentUnresponsive(domain.name, stream.destroyed ? "gone" : "silent");
    return answer;
  });
}

/**
 * Has the agent in the guest shut it down, reboot it, or make it sleep, which it does not answer unless it cannot.
 *
 * @returns for sleep, which takes a while to fail: when the guest has gone to sleep. Otherwise soon.
 * @throws {HostdevError} as `callAgent`.
 */
export async function askAgent(host: Host, domain: Domain, act: AgentAct): Promise<void> {
  const isSleep = act.startsWith("suspend");
  const execute = isSleep ? `guest-${act}` : "guest-shutdown";
  await withAgent(host, domain, async (stream, lines) => {
    send(stream, isSleep ? { execute } : { execute, arguments: { mode: act } });
    const isRefusal = (message: AgentAnswer) => message["error"] !== undefined;
    const refusal = await lines.find(isRefusal, isSleep ? timeouts.get(domain) : refusalTimeoutMs);
    if (refusal !== undefined) throw agentRefuses(domain.name, execute, refusal["error"] as object);
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
  return takeTurn(domain, async () => {
    const stream = await host.connect(path);
    if (stream === undefined) throw agentUnresponsive(domain.name, "not-connected");
    connections.set(domain, stream);
    const lines = readLines(stream);
    try {
      const id = Math.floor(Math.random() * 2 ** 31);
      send(stream, { execute: "guest-sync", arguments: { id } });
      // What an earlier client did not wait for may still come before.
      const syncMs = Math.min(agentTimeoutMs, timeouts.get(domain) ?? agentTimeoutMs);
      const isSynced = await lines.find((message) => message["return"] === id, syncMs);
      if (isSynced === undefined) throw agentUnresponsive(domain.name, "silent");
      return await task(stream, lines);
    } finally {
      stream.destroy();
    }
  });
}

/** Does a task after those before it; not at all, if they take too long. */
async function takeTurn<T>(domain: Domain, task: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let isTooLate = false;
  const turn = (underWay.get(domain) ?? Promise.resolve()).then(() => {
    clearTimeout(timer);
    if (isTooLate) throw agentUnresponsive(domain.name, "busy");
    return task();
  });
  underWay.set(
    domain,
    turn.catch(() => {}),
  );
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isTooLate = true;
      reject(agentUnresponsive(domain.name, "busy"));
    }, turnTimeoutMs);
  });
  return Promise.race([turn, patience]);
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
        if (stream.destroyed) finish();
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
