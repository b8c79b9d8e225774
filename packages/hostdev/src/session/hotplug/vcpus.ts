// SPDX-License-Identifier: Apache-2.0
import type { LiveVm } from "../live-vm.ts";

/** How long a guest may take to let a processor go. */
const patienceMs = 5000;

/** A place for a processor in a running machine. */
export interface VcpuSlot {
  readonly number: number;
  readonly type: string;
  readonly place: Readonly<Record<string, number>>;
  /** Our name for one that was plugged in; those of the start have none, and stay. */
  readonly alias: string | undefined;
  readonly isPlugged: boolean;
}

const levels = ["node-id", "socket-id", "die-id", "cluster-id", "core-id", "thread-id"];

/** The places for processors that a running machine has, in the order of their numbers. */
export async function vcpuSlots(vm: LiveVm): Promise<readonly VcpuSlot[]> {
  const found = await vm.process.execute("query-hotpluggable-cpus");
  const weight = (place: Readonly<Record<string, number>>) => levels.map((level) => place[level] ?? 0);
  const sorted = [...found].sort((a, b) => compare(weight(a.props), weight(b.props)));
  return sorted.map(({ type, props, "qom-path": path }, number) => ({
    number,
    type,
    place: props,
    alias: /^\/machine\/peripheral\/(vcpu\d+)$/.exec(path ?? "")?.[1],
    isPlugged: path !== undefined,
  }));
}

/** Plugs a processor into a running guest. @throws {HostdevError} `HD_QMP_COMMAND`. */
export async function plugVcpu(vm: LiveVm, { number, type, place }: VcpuSlot): Promise<void> {
  await vm.process.execute("device_add", { driver: type, id: `vcpu${number}`, ...place });
  noteCount(vm, 1);
}

/**
 * Asks a running guest to let a processor go, and awaits it, for a bounded time; `LiveVm` notes that it has gone.
 *
 * @returns whether it has.
 * @throws {HostdevError} `HD_QMP_COMMAND`, for machines that cannot.
 */
export async function unplugVcpu(vm: LiveVm, alias: string): Promise<boolean> {
  const answer = vm.awaitUnplug(alias, patienceMs);
  try {
    await vm.process.execute("device_del", { id: alias });
  } catch (error) {
    answer.settle("requested");
    throw error;
  }
  return (await answer.outcome) === "removed";
}

/** Notes in the live definition that so many more processors are there. */
export function noteCount({ domain }: LiveVm, more: number): void {
  const { vcpu } = domain;
  if (vcpu === undefined) return;
  const current = (vcpu.current ?? vcpu.count) + more;
  if (current >= vcpu.count) delete vcpu.current;
  else vcpu.current = Math.max(1, current);
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
