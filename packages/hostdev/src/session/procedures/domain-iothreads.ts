// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../../domain/domain.ts";
import { hostCpus, pinNewThread, readAffinity, toCpuMap } from "../affinity.ts";
import type { ClientHandlers } from "./client.ts";
import { requireSide } from "./domain-cpus.ts";
import { findDomain } from "./domain-reference.ts";
import { impactOf } from "./domain-state.ts";
import { checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** Threads of QEMU that carry disks. */
export const domainIothreadHandlers: ClientHandlers = {
  domainGetIothreadInfo: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 3);
    const found = findDomain(session, domain);
    const all = hostCpus(host);
    const bytes = Math.ceil((1 + Math.max(0, ...all)) / 8);
    if (requireSide(found, flags) === "live") {
      const { process } = found.requireVm("look at");
      const items = (await process.execute("query-iothreads")).map(({ id, "thread-id": thread }) => ({
        id: Number(id.replace(/\D/g, "")),
        cpuMap: toCpuMap(readAffinity(host, process.identity.pid, thread), bytes),
      }));
      items.sort((a, b) => a.id - b.id);
      return { items, count: items.length };
    }
    const { iothreadIds, cputune } = found.model({ inactive: true });
    const items = (iothreadIds?.list ?? []).map(({ id }) => {
      const pin = cputune?.iothreadpins.find(({ iothread }) => iothread === id);
      return { id, cpuMap: toCpuMap(pin?.cpuset ?? all, bytes) };
    });
    return { items, count: items.length };
  },
  domainAddIothread: ({ host, session }, { domain, id, flags }) => {
    checkFlags(flags, 3);
    const add = (definition: Domain) => {
      if (isThere(definition, id)) throw invalidArgument(`an IOThread is already using iothread_id '${id}'`);
      setIds(definition, [...idsOf(definition), id]);
    };
    return findDomain(session, domain).change("add an iothread to", impactOf(flags), {
      live: async (vm) => {
        if (isThere(vm.domain, id)) return add(vm.domain); // which refuses
        await vm.process.execute("object-add", { "qom-type": "iothread", id: `iothread${id}` });
        const made = (await vm.process.execute("query-iothreads")).find((one) => one.id === `iothread${id}`);
        if (made !== undefined) await pinNewThread(host, vm.domain, made["thread-id"], undefined);
        add(vm.domain);
      },
      config: add,
    });
  },
  domainDelIothread: ({ session }, { domain, id, flags }) => {
    checkFlags(flags, 3);
    const remove = (definition: Domain) => {
      if (!isThere(definition, id)) throw invalidArgument(`cannot find IOThread '${id}' in iothreadids list`);
      setIds(
        definition,
        idsOf(definition).filter((one) => one !== id),
      );
    };
    return findDomain(session, domain).change("take an iothread out of", impactOf(flags), {
      live: async (vm) => {
        if (!isThere(vm.domain, id)) return remove(vm.domain); // which refuses
        await vm.process.execute("object-del", { id: `iothread${id}` }); // QEMU keeps one that a disk uses
        remove(vm.domain);
      },
      config: remove,
    });
  },
};

function idsOf({ iothreadIds }: Domain): readonly number[] {
  return (iothreadIds?.list ?? []).map(({ id }) => id);
}

function isThere(domain: Domain, id: number): boolean {
  return idsOf(domain).includes(id);
}

function setIds(domain: Domain, ids: readonly number[]): void {
  const present = domain.iothreadIds?.list ?? [];
  domain.iothreads = ids.length;
  domain.iothreadIds = { list: ids.map((id) => present.find((one) => one.id === id) ?? { id }) };
  if (ids.length > 0) return;
  delete domain.iothreads;
  delete domain.iothreadIds;
}
