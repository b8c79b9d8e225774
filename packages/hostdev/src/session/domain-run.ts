// SPDX-License-Identifier: Apache-2.0

import type { Host } from "../core/host.ts";
import { listPids, type ProcessIdentity, readCommandLine, readStartTime, readUid } from "../core/processes.ts";
import type { Domain } from "../domain/domain.ts";
import { formatDomain, readDomain } from "../domain/parse.ts";
import { domainState, stateReason } from "./domain-state.ts";
import { endHelpers, startHelpers } from "./helpers.ts";
import { fillLiveDefaults } from "./live-defaults.ts";
import { LiveVm, type VmListener } from "./live-vm.ts";
import { monitorPath, planLaunch } from "./plan-launch.ts";
import { prepareLaunch } from "./prepare-launch.ts";
import type { SessionParts } from "./session-parts.ts";
import { makeRunDirectory, removeRunDirectory } from "./session-paths.ts";
import { removeStatus, type VmStatus, writeStatus } from "./status-file.ts";

/** One run of a domain, from its start to its end, over restarts of this program. */
export interface DomainRun {
  readonly id: number;
  readonly uuid: string;
  /** For its sockets. */
  readonly directory: string;
  readonly vm: LiveVm;
}

const startingUp = { state: domainState.paused, reason: stateReason.paused.startingUp };

/**
 * Starts a domain; its guest waits. From before the process is there on, the run is written down.
 *
 * @param domain its live definition, which is completed.
 * @throws {HostdevError} as `prepareLaunch`, `planLaunch` and `LiveVm.start`. Nothing of the run is left then.
 */
export async function startRun(
  parts: SessionParts,
  domain: Domain,
  tell: VmListener,
  resetNvram = false,
): Promise<DomainRun> {
  const { host, paths } = parts;
  const uuid = domain.uuid ?? "";
  const id = parts.takeId();
  const directory = makeRunDirectory(host, paths, id, uuid);
  const note = (process: ProcessIdentity | null) =>
    writeStatus(host, paths, {
      uuid,
      id,
      process,
      directory,
      state: startingUp,
      xml: formatDomain(domain, "live"),
      taints: [],
    });
  try {
    fillLiveDefaults(domain, directory);
    note(null);
    host.makeDirectory(paths.logs, 0o700);
    const launch = await planLaunch(host, domain, { directory, logPath: logPath(parts, uuid) });
    await prepareLaunch(host, domain, directory, resetNvram);
    await startHelpers(host, domain, directory);
    const vm = await LiveVm.start(host, domain, launch, tell, note);
    return { id, uuid, directory, vm };
  } catch (error) {
    endRun(parts, { uuid, directory });
    throw error;
  }
}

/**
 * Takes over a run that an earlier program of ours began. What that had not finished starting is ended: its guest has
 * never run.
 *
 * @returns `undefined` when it is over; then nothing of it is left.
 */
export async function adoptRun(
  parts: SessionParts,
  status: VmStatus,
  tell: VmListener,
): Promise<DomainRun | undefined> {
  const { host } = parts;
  const { uuid, id, directory, state } = status;
  const identity = status.process ?? findProcess(host, monitorPath(directory));
  const isHalfStarted = state.state === startingUp.state && state.reason === startingUp.reason;
  const found = { process: identity, monitorPath: monitorPath(directory), logPath: logPath(parts, uuid) };
  const vm =
    found.process === undefined
      ? undefined
      : await LiveVm.adopt(host, readDomain(status.xml), { ...found, process: found.process }, state, tell);
  for (const taint of status.taints) vm?.taints.add(taint);
  if (isHalfStarted) await vm?.destroy();
  if (vm !== undefined && !isHalfStarted) return { id, uuid, directory, vm };
  endRun(parts, { uuid, directory });
  return undefined;
}

/** Writes down what has changed of a run. */
export function noteRun({ host, paths }: SessionParts, { id, uuid, directory, vm }: DomainRun): void {
  const { identity: process } = vm.process;
  writeStatus(host, paths, {
    uuid,
    id,
    process,
    directory,
    state: vm.state,
    xml: formatDomain(vm.domain, "live"),
    taints: [...vm.taints],
  });
}

/** Clears away what a run that is over has left. */
export function endRun({ host, paths }: SessionParts, run: Pick<DomainRun, "uuid" | "directory">): void {
  endHelpers(host, run.directory);
  removeRunDirectory(host, run.directory);
  removeStatus(host, paths, run.uuid);
}

/** What QEMU said in the last run of a domain. */
export function logPath({ paths }: SessionParts, uuid: string): string {
  return `${paths.logs}/${uuid}.log`;
}

/** The QEMU of ours that was told to have its monitor there. */
function findProcess(host: Host, monitor: string): ProcessIdentity | undefined {
  for (const pid of listPids(host)) {
    if (readUid(host, pid) !== host.self.uid) continue;
    if (!readCommandLine(host, pid).some((word) => word.includes(`path=${monitor},`))) continue;
    const startTime = readStartTime(host, pid);
    if (startTime !== undefined) return { pid, startTime };
  }
  return undefined;
}
