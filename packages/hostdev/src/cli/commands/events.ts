// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { parseDuration } from "../../core/units.ts";
import type { ReceivedEvent, RpcClient } from "../../rpc/client.ts";
import { events } from "../../rpc/events.ts";
import type { Context } from "../context.ts";
import { type ConnectOptions, sessionCommand, withSession } from "../domain/domain-verb.ts";
import { lifecycleName } from "../domain/state-names.ts";
import { untilSignal } from "../until-signal.ts";

interface EventsOptions extends ConnectOptions {
  readonly count?: string;
  readonly timeout?: string;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev events
  hostdev events vm --count 1 --timeout 1m
  hostdev events --json | jq -r 'select(.kind == "deviceRemoved") | .alias'`;

/** `hostdev events [VM]`. */
export function eventsVerb(program: Command, context: Context): void {
  sessionCommand(
    program,
    "events",
    "print what happens to VMs, as it happens",
    "Prints a line for each thing that happens to your VMs, until you end it with Ctrl-C.",
  )
    .argument("[vm]", "only of the VM with this name")
    .option("--count <number>", "end after so many")
    .option("--timeout <time>", "end after this time, such as 30s or 5m")
    .option("--json", "print JSON, one object a line")
    .addHelpText("after", examples)
    .action((vm: string | undefined, options: EventsOptions) => run(context, vm, options));
}

async function run(context: Context, vm: string | undefined, options: EventsOptions): Promise<void> {
  const { host, output } = context;
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, "--timeout");
  let left = options.count === undefined ? Number.POSITIVE_INFINITY : Number(options.count);
  await withSession(context, options, (client) =>
    untilSignal(async (signal) => {
      const enough = new Promise<void>((resolve) => {
        client.onEvent((event) => {
          const { domain, ...rest } = event.payload as { readonly domain?: { readonly name: string } };
          if (domain === undefined || left <= 0 || (vm !== undefined && domain.name !== vm)) return;
          const time = host.now().toISOString();
          const facts = { time, vm: domain.name, kind: event.name, ...rest };
          output.print(options.json === true ? `${toJson(facts)}\n` : `${time}  ${domain.name}  ${describe(event)}\n`);
          left -= 1;
          if (left <= 0) resolve();
        });
      });
      await register(client);
      const ends = [enough, client.closed, onAbort(signal)];
      await Promise.race(timeoutMs === undefined ? ends : [...ends, later(timeoutMs)]);
    }),
  );
}

/** All kinds that we know; a daemon that lacks one of them is as good. */
async function register(client: RpcClient): Promise<void> {
  for (const { kind, id } of Object.values(events)) {
    if (kind !== "domain") continue;
    const registered = client.call("connectDomainEventCallbackRegisterAny", { eventId: id, domain: null });
    await (id === 0 ? registered : registered.catch(() => {}));
  }
}

function describe(event: ReceivedEvent): string {
  if (event.name === "lifecycle") return lifecycleName(event.payload.event, event.payload.detail);
  const words = event.name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const { domain: _, ...facts } = event.payload as Readonly<Record<string, unknown>>;
  return [words, ...Object.entries(facts).map(([name, value]) => `${name}=${value}`)].join(" ");
}

function toJson(facts: object): string {
  return JSON.stringify(facts, (_, value) => (typeof value === "bigint" ? Number(value) : value));
}

function onAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function later(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, timeMs));
}
