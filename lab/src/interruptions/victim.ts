// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { labDirectory } from "../lab-directory.ts";
import { LabError } from "../lab-error.ts";
import { runProgram } from "../run-program.ts";
import { type Act, type Moment, parseActs } from "./acts.ts";

const library = "/opt/lab/exchange/die-at.so";
/** A machine under load needs its time; a program that hangs is found all the same. */
const timeoutMs = 300_000;

/**
 * Compiles what counts a program's acts and kills it at one of them, for the lab.
 *
 * Needs: gcc on the host, as the small guest does.
 * @throws {LabError} with the compiler's words.
 */
export async function prepareKills(lab: Lab): Promise<void> {
  const source = join(labDirectory, "src/interruptions/die-at.c");
  const flags = [
    "-shared",
    "-fPIC",
    "-nostdlib",
    "-Os",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-builtin-declaration-mismatch",
  ];
  const result = await runProgram("gcc", [...flags, "-o", join(lab.exchangeDirectory, "die-at.so"), source]);
  if (result.code !== 0) throw new LabError(`Cannot compile ${source}: ${result.stderr.trim()}`);
}

/** Runs a command of hostdev-admin to its end, and tells its acts. @throws {LabError} when it fails. */
export async function observeActs(
  lab: Lab,
  args: string,
): Promise<{ readonly acts: readonly Act[]; readonly steps: number }> {
  const script = `rm -f /run/acts; ${run(args, "ACTS_LOG=/run/acts")} >&2 && cat /run/acts && rm /run/acts`;
  const { stdout } = await lab.root(script, { check: true, timeoutMs });
  return parseActs(stdout);
}

/** Runs a command of hostdev-admin and kills it at a moment. @throws {LabError} when it was not killed there. */
export async function killAt(lab: Lab, args: string, { act, when }: Moment): Promise<void> {
  const { code, stdout, stderr } = await lab.root(run(args, `ACTS_KILL=${act.number}${when === "after" ? "+" : ""}`), {
    timeoutMs,
  });
  if (code !== 137)
    throw new LabError(`hostdev-admin ${args} ended with code ${code} instead of being killed: ${stdout}${stderr}`);
}

/**
 * Runs a command of hostdev-admin until just before an act, where it stands still until it gets SIGCONT.
 *
 * @returns its process id in the lab.
 */
export async function stopBefore(lab: Lab, args: string, act: Act): Promise<number> {
  const program = await new Promise<number>((resolve, reject) => {
    const onLine = (line: string) => resolve(Number(line)); // the first one; what comes later resolves nothing
    const { result } = lab.spawn("root", `echo $$; exec ${run(args, `ACTS_STOP=${act.number}`)}`, {
      onLine,
      timeoutMs,
    });
    result.then(({ stderr }) => reject(new LabError(`hostdev-admin ${args} ended: ${stderr}`)), reject);
  });
  await lab.root(`until grep -q '^State:.T' /proc/${program}/status; do sleep 0.2; done`, { check: true, timeoutMs });
  return program;
}

/** The program itself, not the wrapper script: only its acts count. */
function run(args: string, environment: string): string {
  return `env LD_PRELOAD=${library} ${environment} node /opt/hostdev/hostdev-admin.js ${args}`;
}
