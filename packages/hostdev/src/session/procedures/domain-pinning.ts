// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { Host } from "../../core/host.ts";
import type { Domain } from "../../domain/domain.ts";
import { nodeSet } from "../../domain/node-set.ts";
import { cpusOfVcpu, cputuneOf, fromCpuMap, hostCpus, setAffinity, toCpuMap } from "../affinity.ts";
import type { Impact, SessionDomain, SessionEvent } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { requireSide } from "./domain-cpus.ts";
import { findDomain } from "./domain-reference.ts";
import { impactOf } from "./domain-state.ts";
import { checkFlags, invalidArgument, invalidState } from "./libvirt-errors.ts";

/** Where on the host a domain runs. */
export const domainPinningHandlers: ClientHandlers = {
  domainPinVcpu: ({ host, session }, { domain, vcpu, cpuMap }) =>
    pinVcpu(host, findDomain(session, domain), vcpu, cpuMap, "live"),
  domainPinVcpuFlags: ({ host, session }, { domain, vcpu, cpuMap, flags }) => {
    checkFlags(flags, 3);
    return pinVcpu(host, findDomain(session, domain), vcpu, cpuMap, impactOf(flags));
  },
  domainGetVcpuPinInfo: ({ host, session }, { domain, maps, mapBytes, flags }) => {
    checkFlags(flags, 3);
    if (maps < 0 || mapBytes < 0 || maps * mapBytes > 8_388_608)
      throw invalidArgument("ncpumaps * maplen is too large");
    const definition = side(findDomain(session, domain), flags);
    const count = Math.min(maps, definition.vcpu?.count ?? 1);
    const all = hostCpus(host);
    const cpuMaps = Array.from({ length: count }, (_, number) =>
      toCpuMap(cpusOfVcpu(definition, number) ?? all, mapBytes),
    );
    return { cpuMaps: Buffer.concat(cpuMaps), count };
  },
  domainPinEmulator: ({ host, session }, { domain, cpuMap, flags }) => {
    checkFlags(flags, 3);
    const cpus = wanted(cpuMap);
    const note = (definition: Domain) => {
      cputuneOf(definition).emulatorpin = { cpuset: [...cpus] };
    };
    return findDomain(session, domain).change("pin", impactOf(flags), {
      live: async (vm) => {
        await setAffinity(host, vm.process.identity.pid, cpus);
        note(vm.domain);
        return tunable("cputune.emulatorpin", cpus);
      },
      config: note,
    });
  },
  domainGetEmulatorPinInfo: ({ host, session }, { domain, mapBytes, flags }) => {
    checkFlags(flags, 3);
    const { cputune, vcpu } = side(findDomain(session, domain), flags);
    const cpus = cputune?.emulatorpin?.cpuset ?? vcpu?.cpuset ?? hostCpus(host);
    return { cpuMaps: toCpuMap(cpus, Math.max(0, Math.min(mapBytes, 2048))), found: 1 };
  },
  domainGetCpuStats: ({ session }, { domain, flags }) => {
    checkFlags(flags, 4); // typed strings
    requireSide(findDomain(session, domain), 1);
    // libvirt reads them from a control group, which a session has none of.
    throw invalidState("cgroup CPUACCT controller is not mounted");
  },
};

function side(domain: SessionDomain, flags: number): Domain {
  return domain.model({ inactive: requireSide(domain, flags) === "config" });
}

function tunable(field: string, cpus: readonly number[]): SessionEvent {
  return { kind: "tunable", fields: [{ field, type: "string", value: nodeSet.format([...cpus]) }] };
}

function wanted(map: Uint8Array): readonly number[] {
  const cpus = fromCpuMap(map);
  if (cpus.length === 0) throw invalidArgument("Empty cpu list for pinning");
  return cpus;
}

function pinVcpu(host: Host, domain: SessionDomain, number: number, map: Uint8Array, impact: Impact): Promise<void> {
  const cpus = wanted(map);
  const note = (definition: Domain) => {
    const { vcpupins } = cputuneOf(definition);
    const other = vcpupins.filter(({ vcpu }) => vcpu !== number);
    const pins = [...other, { vcpu: number, cpuset: [...cpus] }].sort((a, b) => a.vcpu - b.vcpu);
    vcpupins.splice(0, vcpupins.length, ...pins);
  };
  const outOfRange = (what: string, count: number) =>
    invalidArgument(`vcpu ${number} is out of range of ${what} cpu count ${count}`);
  return domain.change("pin", impact, {
    live: async (vm) => {
      const vcpus = await vm.process.execute("query-cpus-fast");
      const found = vcpus.find(({ "cpu-index": index }) => index === number);
      if (found === undefined) throw outOfRange("live", vcpus.length);
      await setAffinity(host, found["thread-id"], cpus);
      note(vm.domain);
      return tunable(`cputune.vcpupin${number}`, cpus);
    },
    config: (definition) => {
      const { count = 1, current = count } = definition.vcpu ?? {};
      if (number >= count) throw outOfRange("persistent", current);
      note(definition);
    },
  });
}
