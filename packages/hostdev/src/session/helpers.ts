// SPDX-License-Identifier: Apache-2.0

/** The programs that a VM needs beside QEMU: its TPM, its shared folders, its network. */
import { basename } from "node:path";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { listPids, readCommandLine, readUid } from "../core/processes.ts";
import type { Domain } from "../domain/domain.ts";
import { type HelperProgram, helperPrograms } from "../qemu/helper-programs.ts";
import { findProgram } from "./find-program.ts";
import { launchEnvironment } from "./plan-launch.ts";
import { stateDirectory } from "./session-paths.ts";

const names = /^(swtpm|virtiofsd|passt(\.avx2)?)$/;
const startTimeoutMs = 10_000;

/**
 * Starts what a domain needs, each until it listens. They end by themselves when QEMU lets go of them.
 *
 * Touches: starts processes; the TPM's secrets are in the user's state folder of the domain.
 * @param directory of the run; their sockets and logs are in it.
 * @throws {HostdevError} `HD_COMMAND_NOT_FOUND`; `HD_COMMAND_FAILED` with the program's words; `HD_TIMEOUT`.
 */
export async function startHelpers(host: Host, domain: Domain, directory: string): Promise<void> {
  const state = stateDirectory(host, domain.uuid ?? "");
  const programs = helperPrograms(domain, await launchEnvironment(host, domain, directory), state);
  for (const program of programs) {
    if (program.before !== undefined) await prepare(host, program, state);
    await startOne(host, program, `${program.socket}.log`);
  }
}

/** Ends those of a run that are still there: their QEMU never came. */
export function endHelpers(host: Host, directory: string): void {
  for (const pid of listPids(host)) {
    if (readUid(host, pid) !== host.self.uid) continue;
    const [command = "", ...args] = readCommandLine(host, pid);
    if (names.test(basename(command)) && args.some((word) => word.includes(`${directory}/`))) host.kill(pid, "SIGTERM");
  }
}

async function prepare(host: Host, { before, purpose }: HelperProgram, state: string): Promise<void> {
  if (before === undefined) return;
  host.makeDirectory(`${state}/tpm`, 0o700);
  const { status, stdout, stderr } = await host.run(before.command, before.args);
  if (status !== 0) throw failed(purpose, before.command, status, stderr.trim() || stdout.trim());
}

async function startOne(host: Host, { purpose, command, args, socket }: HelperProgram, logFile: string): Promise<void> {
  const program = await host.spawn(findProgram(host, command) ?? command, args, { logFile });
  let end: { readonly status: number | null } | undefined;
  void program.ended.then((how) => {
    end = how;
  });
  const deadline = host.now().getTime() + startTimeoutMs;
  for (; host.status(socket) === undefined; await host.sleep(20)) {
    if (end !== undefined) throw failed(purpose, command, end.status, host.readText(logFile)?.trim() ?? "");
    if (host.now().getTime() < deadline) continue;
    const message = `${command} (${purpose}) does not listen after ${startTimeoutMs / 1000} s`;
    throw new HostdevError("HD_TIMEOUT", message, { what: command, timeoutMs: startTimeoutMs });
  }
}

function failed(purpose: string, command: string, status: number | null, stderr: string): HostdevError {
  const message = `Cannot start ${command} (${purpose}): ${stderr.slice(-2000) || `status ${status}`}`;
  return new HostdevError("HD_COMMAND_FAILED", message, { command, status, stderr });
}
