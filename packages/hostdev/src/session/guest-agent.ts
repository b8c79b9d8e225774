// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { agentUnresponsive } from "./session-errors.ts";
import { agentPort } from "./vm-events.ts";

/** How long the agent may take to answer; it may not be there at all. */
const syncTimeoutMs = 5000;
/** A guest that obeys does not answer; one that cannot says so at once. */
const refusalTimeoutMs = 1000;
const maxLineLength = 1024 * 1024;

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
 * Has the agent in the guest shut it down or reboot it.
 *
 * @throws {HostdevError} `HD_AGENT_UNRESPONSIVE`.
 * @see https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
export async function askAgent(host: Host, domain: Domain, mode: "powerdown" | "reboot"): Promise<void> {
  const channel = agentChannel(domain);
  const path = channel?.type === "unix" ? channel.source?.path : undefined;
  if (path === undefined) throw agentUnresponsive(domain.name, "it has no channel to one");
  const stream = await host.connect(path);
  if (stream === undefined) throw agentUnresponsive(domain.name, `nobody listens at ${path}`);
  const lines = readLines(stream);
  try {
    const id = Math.floor(Math.random() * 2 ** 31);
    send(stream, "guest-sync", { id });
    const isSynced = await lines.find((message) => message["return"] === id, syncTimeoutMs);
    if (isSynced === undefined) throw agentUnresponsive(domain.name, "it does not answer");
    send(stream, "guest-shutdown", { mode });
    const refusal = await lines.find((message) => message["error"] !== undefined, refusalTimeoutMs);
    if (refusal === undefined) return;
    const { desc } = refusal["error"] as { readonly desc?: string };
    throw agentUnresponsive(domain.name, `it refuses (${desc ?? "no reason given"})`);
  } finally {
    stream.destroy();
  }
}

function send(stream: Duplex, execute: string, args: object): void {
  stream.write(`${JSON.stringify({ execute, arguments: args })}\n`);
}

type Message = Readonly<Record<string, unknown>>;

/** The agent's answers. What was left from before, and is no JSON, is passed over. */
function readLines(stream: Duplex) {
  let rest = "";
  let listener: ((message: Message) => void) | undefined;
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
    find: (isWanted: (message: Message) => boolean, timeoutMs: number) =>
      new Promise<Message | undefined>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), timeoutMs);
        const finish = (message?: Message) => {
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

function tryJson(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Message) : undefined;
  } catch {
    return undefined; // the guest may send anything
  }
}
