// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { readProc } from "../core/processes.ts";
import type { Domain } from "../domain/domain.ts";
import { nodeSet } from "../domain/node-set.ts";
import type { LiveVm } from "./live-vm.ts";
import { parseCpuSet, readCpuTopology } from "./machine/cpu-topology.ts";

/** Which of the host's processors a thread may run on; none when it has ended. */
export function readAffinity(host: Host, pid: number, thread = pid): readonly number[] {
  const status = readProc(host, pid, `task/${thread}/status`);
  return parseCpuSet(/^Cpus_allowed_list:\s*(\S+)/m.exec(status ?? "")?.[1] ?? "");
}

/**
 * Lets a thread run on these processors of the host only.
 *
 * Touches: `taskset` (util-linux). Needs: the same user.
 * @throws {HostdevError} `HD_COMMAND_FAILED` when the kernel refuses, such as for a processor that is not there.
 */
export async function setAffinity(host: Host, thread: number, cpus: readonly number[]): Promise<void> {
  const { status, stderr } = await host.run("taskset", [
    "--pid",
    "--cpu-list",
    nodeSet.format([...cpus]),
    String(thread),
  ]);
  if (status === 0) return;
  const message = `Cannot pin thread ${thread} to the processors ${nodeSet.format([...cpus])}: ${stderr.trim()}`;
  throw new HostdevError("HD_COMMAND_FAILED", message, { command: "taskset", status, stderr: stderr.trim() });
}

/**
 * Pins what of a VM has just been started: QEMU itself, its processors, its iothreads. What the definition says
 * nothing of stays with the scheduler.
 *
 * @throws {HostdevError} as `setAffinity`; `HD_QMP_COMMAND`.
 */
export async function applyAffinity(host: Host, vm: LiveVm): Promise<void> {
  const { cputune, vcpu } = vm.domain;
  const { pid } = vm.process.identity;
  const emulator = cputune?.emulatorpin?.cpuset ?? vcpu?.cpuset;
  if (emulator !== undefined) await setAffinity(host, pid, emulator);
  if (vcpu?.cpuset !== undefined || (cputune?.vcpupins.length ?? 0) > 0) {
    for (const { "cpu-index": number, "thread-id": thread } of await vm.process.execute("query-cpus-fast")) {
      const cpus = cpusOfVcpu(vm.domain, number);
      if (cpus !== undefined) await setAffinity(host, thread, cpus);
    }
  }
  if ((cputune?.iothreadpins.length ?? 0) === 0) return;
  for (const { id, "thread-id": thread } of await vm.process.execute("query-iothreads")) {
    const pin = cputune?.iothreadpins.find(({ iothread }) => id === `iothread${iothread}`);
    if (pin !== undefined) await setAffinity(host, thread, pin.cpuset);
  }
}

/**
 * Frees a thread that QEMU has just made from the pin of the one that made it, as far as the domain lets it.
 *
 * @param wanted where it is to run; `undefined` is everywhere.
 * @throws {HostdevError} as `setAffinity`.
 */
export async function pinNewThread(
  host: Host,
  { cputune, vcpu }: Domain,
  thread: number,
  wanted: readonly number[] | undefined,
): Promise<void> {
  if (wanted === undefined && (cputune?.emulatorpin ?? vcpu?.cpuset) === undefined) return;
  await setAffinity(host, thread, wanted ?? vcpu?.cpuset ?? hostCpus(host));
}

/** The processors of the host that are there. */
export function hostCpus(host: Host): readonly number[] {
  return readCpuTopology(host).nodes.flatMap((node) => node.cpus.map(({ id }) => id));
}

/** Where a domain wants one of its processors to run; `undefined` leaves it to the scheduler. */
export function cpusOfVcpu({ cputune, vcpu }: Domain, number: number): readonly number[] | undefined {
  return cputune?.vcpupins.find((pin) => pin.vcpu === number)?.cpuset ?? vcpu?.cpuset;
}

/** The part of a domain that has its pins, made when it is not there. */
export function cputuneOf(domain: Domain): NonNullable<Domain["cputune"]> {
  domain.cputune ??= {
    vcpupins: [],
    iothreadpins: [],
    vcpuscheds: [],
    iothreadscheds: [],
    cachetunes: [],
    memorytunes: [],
  };
  return domain.cputune;
}

/** Processors as bits, the first one the lowest of the first byte. Pure. */
export function toCpuMap(cpus: readonly number[], bytes: number): Buffer {
  const map = Buffer.alloc(bytes);
  for (const cpu of cpus) if (cpu >> 3 < bytes) map[cpu >> 3] = (map[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return map;
}

/** The processors of a map. Pure. */
export function fromCpuMap(map: Uint8Array): readonly number[] {
  return Array.from({ length: 8 * map.length }, (_, cpu) => cpu).filter(
    (cpu) => ((map[cpu >> 3] ?? 0) & (1 << (cpu & 7))) !== 0,
  );
}
