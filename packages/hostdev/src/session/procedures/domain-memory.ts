// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../../domain/domain.ts";
import { statsPeriod } from "../../qemu/start-commands.ts";
import type { Impact, SessionDomain } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { findDomain } from "./domain-reference.ts";
import { impactOf } from "./domain-state.ts";
import { checkFlags, internalError, invalidArgument, invalidState } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_MEM_MAXIMUM`. */
const maximum = 4;

/** How much memory a domain has. */
export const domainMemoryHandlers: ClientHandlers = {
  domainGetMaxMemory: async ({ session }, { domain }) => ({
    memoryKiB: BigInt((await findDomain(session, domain).info()).maxMemoryKiB),
  }),
  domainSetMaxMemory: ({ session }, { domain, memoryKiB }) =>
    setMaximum(findDomain(session, domain), Number(memoryKiB), "current"),
  domainSetMemory: ({ session }, { domain, memoryKiB }) =>
    setCurrent(findDomain(session, domain), Number(memoryKiB), "live"),
  domainSetMemoryFlags: ({ session }, { domain, memoryKiB, flags }) => {
    checkFlags(flags, 3 | maximum);
    const change = (flags & maximum) === 0 ? setCurrent : setMaximum;
    return change(findDomain(session, domain), Number(memoryKiB), impactOf(flags & ~maximum));
  },
  domainSetMemoryStatsPeriod: ({ session }, { domain, seconds, flags }) => {
    checkFlags(flags, 3);
    return setStatsPeriod(findDomain(session, domain), seconds, impactOf(flags));
  },
};

/** How often the balloon asks the guest for its figures; 0 is never. */
function setStatsPeriod(domain: SessionDomain, seconds: number, impact: Impact): Promise<void> {
  if (seconds < 0) throw invalidArgument(`a period of ${seconds} seconds`);
  const balloonOf = ({ devices: { memballoon } }: Domain) => {
    if (memballoon !== undefined && memballoon.model !== "none") return memballoon;
    throw internalError("No memory balloon device configured, can not set the collection period");
  };
  return domain.change("change the memory figures of", impact, {
    live: async (vm) => {
      const balloon = balloonOf(vm.domain);
      await vm.process.execute("qom-set", statsPeriod(balloon, seconds));
      balloon.statsPeriodSeconds = seconds;
    },
    config: (definition) => {
      balloonOf(definition).statsPeriodSeconds = seconds;
    },
  });
}

/** What the balloon leaves to the guest. Whether the guest gives the rest is its own affair: an event tells. */
function setCurrent(domain: SessionDomain, memoryKiB: number, impact: Impact): Promise<void> {
  const checkMaximum = ({ memory }: Domain) => {
    if (memoryKiB > (memory?.memoryKiB ?? 0)) throw invalidArgument("cannot set memory higher than max memory");
  };
  return domain.change("change the memory of", impact, {
    live: async (vm) => {
      checkMaximum(vm.domain);
      if ((vm.domain.devices.memballoon?.model ?? "none") === "none") {
        const text = "Unable to change memory of active domain without the balloon device and guest OS balloon driver";
        throw invalidState(text);
      }
      await vm.process.execute("balloon", { value: memoryKiB * 1024 });
    },
    config: (definition) => {
      checkMaximum(definition);
      definition.currentMemory = { memoryKiB };
    },
  });
}

function setMaximum(domain: SessionDomain, memoryKiB: number, impact: Impact): Promise<void> {
  return domain.change("change the maximum memory of", impact, {
    live: () => {
      throw invalidState("cannot resize the maximum memory on an active domain");
    },
    config: (definition) => {
      if ((definition.cpu?.numa?.cells.length ?? 0) > 0) {
        const text = "initial memory size of a domain with NUMA nodes cannot be modified with this API";
        throw invalidState(text);
      }
      definition.memory = { ...definition.memory, memoryKiB };
      const current = definition.currentMemory?.memoryKiB ?? memoryKiB;
      definition.currentMemory = { memoryKiB: Math.min(current, memoryKiB) };
    },
  });
}
