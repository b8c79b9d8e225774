// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { HostdevError } from "../../core/errors.ts";
import { hasFailure } from "../../core/finding.ts";
import { parseDuration } from "../../core/units.ts";
import type { Domain } from "../../domain/domain.ts";
import type { Ending } from "../../session/ending.ts";
import { readVm, vmNeeds } from "../../session/plan-launch.ts";
import { preflight } from "../../session/preflight.ts";
import { runInForeground } from "../../session/run-in-foreground.ts";
import { vmDirectory } from "../../session/runtime-directory.ts";
import type { Context } from "../context.ts";
import { printFindings } from "../findings-output.ts";
import { readUserFile } from "../read-user-file.ts";
import { attachTerminal } from "../terminal.ts";
import { untilSignal } from "../until-signal.ts";

interface RunOptions {
  readonly timeout?: string;
  readonly grace: string;
}

const examples = `
On a terminal, Ctrl-] asks the guest to power off; pressed again, it ends the VM at once.

Exit status: 0 the guest powered off; 1 it reset, and its domain says that this ends it; 4 it panicked, or QEMU failed, or
the VM cannot start; 8 the time was over; 130 it was ended by force.

Examples:
  hostdev run vm.xml
  hostdev run --timeout 10m vm.xml > console.log`;

/** `hostdev run FILE`. */
export function runVerb(program: Command, context: Context): void {
  program
    .command("run")
    .summary("run a VM in the foreground, with its console on this terminal")
    .description(
      "Checks as `hostdev check` does, then runs the VM as you, with its first serial port on this terminal, until the " +
        "guest powers off. Needs no daemon.",
    )
    .argument("<file>", "libvirt domain XML; - for standard input")
    .option("--timeout <time>", "end the VM after this time, such as 90s, 10m, 2h")
    .option("--grace <time>", "how long the guest may take to power off when asked to", "15s")
    .addHelpText("after", examples)
    .action((file: string, options: RunOptions) => run(context, file, options));
}

async function run(context: Context, file: string, options: RunOptions): Promise<void> {
  const { host, output } = context;
  const graceMs = parseDuration(options.grace, "--grace");
  const timeoutMs = options.timeout === undefined ? undefined : parseDuration(options.timeout, "--timeout");
  const domain = readVm(host, readUserFile(host, file), file);
  await assertStartable(context, domain);
  const directory = vmDirectory(host, domain.name);
  try {
    const terminal = attachTerminal(output);
    const { ending, isTimedOut } = await untilSignal(async (signal) =>
      runInForeground(host, domain, directory.path, {
        onConsole: terminal.write,
        attachInput: terminal.attachInput,
        onState: (text) => output.warn(`hostdev: ${text}\n`),
        signal: AbortSignal.any([signal, terminal.leave]),
        force: terminal.force,
        graceMs,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      }),
    ).finally(terminal.detach);
    if (isTimedOut) {
      const message = `VM "${domain.name}" was ended: it ran longer than ${options.timeout}`;
      throw new HostdevError("HD_TIMEOUT", message, { what: domain.name, timeoutMs: timeoutMs ?? 0 });
    }
    conclude(context, domain, ending);
  } finally {
    directory.remove();
  }
}

async function assertStartable({ host, output }: Context, domain: Domain): Promise<void> {
  const findings = await preflight(host, vmNeeds(domain));
  if (!hasFailure(findings)) return;
  printFindings(
    { ...output, print: output.warn },
    findings.filter(({ level }) => level !== "ok"),
  );
  const failures = findings.filter(({ level }) => level === "failure").length;
  const details = { domain: domain.name, findings: failures };
  throw new HostdevError("HD_PREFLIGHT_FAILED", `Cannot start VM "${domain.name}": see above`, details);
}

function conclude({ output, setExitStatus }: Context, { name }: Domain, ending: Ending): void {
  switch (ending.kind) {
    case "guest-shutdown":
      return output.warn(`hostdev: VM "${name}" has powered off\n`);
    case "guest-reset":
      setExitStatus(1);
      return output.warn(`hostdev: VM "${name}" has reset, which ends it\n`);
    case "destroyed":
    case "stopped":
      setExitStatus(130);
      return output.warn(`hostdev: VM "${name}" was ended\n`);
    case "guest-panicked":
      throw new HostdevError("HD_GUEST_PANICKED", `The guest of VM "${name}" panicked`, { domain: name });
    case "failed": {
      const { status, signal, output: said } = ending;
      const how = said || (signal === null ? `status ${status}` : `signal ${signal}`);
      throw new HostdevError("HD_QEMU_FAILED", `QEMU of VM "${name}" ended: ${how}`, { status, signal, output: said });
    }
  }
}
