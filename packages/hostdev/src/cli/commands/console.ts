// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { type ConnectOptions, domainCommand, withDomain } from "../domain/domain-verb.ts";
import { attachTerminal } from "../terminal.ts";
import { untilSignal } from "../until-signal.ts";

interface ConsoleOptions extends ConnectOptions {
  readonly device?: string;
  readonly force?: true;
}

const examples = `
On a terminal, Ctrl-] leaves; the VM goes on.

Examples:
  hostdev console vm
  hostdev console vm --device serial1
  hostdev console vm < /dev/null > console.log`;

/** `hostdev console VM`. */
export function consoleVerb(program: Command, context: Context): void {
  domainCommand(
    program,
    "console",
    "connect this terminal to a VM's serial console",
    "Connects standard input and output to a console of a running VM, until the VM ends or you leave.",
  )
    .option("--device <alias>", "this serial port or console, by its alias in dumpxml; default: the first")
    .option("--force", "take it over from whoever has it")
    .addHelpText("after", examples)
    .action((vm: string, options: ConsoleOptions) => run(context, vm, options));
}

async function run(context: Context, vm: string, options: ConsoleOptions): Promise<void> {
  await withDomain(context, options, vm, async (client, domain) => {
    const flags = options.force === true ? 1 : 0;
    const device = options.device ?? null;
    const stream = await client.openStream("domainOpenConsole", { domain, device, flags });
    const terminal = attachTerminal(context.output, `connected to VM "${domain.name}"; Ctrl-] leaves`);
    try {
      await untilSignal(async (signal) => {
        const leave = AbortSignal.any([signal, terminal.leave]);
        stream.on("data", terminal.write);
        terminal.attachInput((chunk) => stream.write(chunk));
        await Promise.race([ended(stream), aborted(leave)]);
      });
    } finally {
      terminal.detach();
      stream.destroy();
    }
  });
}

/** @throws what broke the stream. */
function ended(stream: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.once("error", reject);
    stream.once("close", () => resolve());
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
