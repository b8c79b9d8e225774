// SPDX-License-Identifier: Apache-2.0

/** Rules about `<cputune>`. libvirt: virDomainDefVcpupinPostParse, virDomainThreadSchedParseHelper. */
import { invalid } from "../../xml/complaint.ts";
import type { Domain } from "../domain.ts";

interface Scheduler {
  readonly scheduler: string;
  readonly priority?: number | undefined;
}

/** Refuses settings of threads that contradict each other. */
export function validateTuning({ cputune }: Domain): void {
  const once = (kind: string) => {
    const seen = new Set<number>();
    return (place: object, id: number) => {
      if (seen.has(id)) throw invalid(place, `${kind} ${id} is given twice`);
      seen.add(id);
    };
  };
  const pinned = once("the pinning of vcpu");
  for (const pin of cputune?.vcpupins ?? []) pinned(pin, pin.vcpu);
  const pinnedThread = once("the pinning of iothread");
  for (const pin of cputune?.iothreadpins ?? []) pinnedThread(pin, pin.iothread);
  const scheduled = once("the scheduler of vcpu");
  for (const entry of cputune?.vcpuscheds ?? []) {
    checkPriority(entry);
    for (const vcpu of entry.vcpus) scheduled(entry, vcpu);
  }
  const scheduledThread = once("the scheduler of iothread");
  for (const entry of cputune?.iothreadscheds ?? []) {
    checkPriority(entry);
    for (const thread of entry.iothreads) scheduledThread(entry, thread);
  }
  if (cputune?.emulatorsched !== undefined) checkPriority(cputune.emulatorsched);
}

/** The two real-time schedulers have a priority, the others have none. */
function checkPriority(entry: Scheduler): void {
  const isRealTime = entry.scheduler === "fifo" || entry.scheduler === "rr";
  if (isRealTime && entry.priority === undefined)
    throw invalid(entry, `the scheduler ${entry.scheduler} needs a priority`);
}
