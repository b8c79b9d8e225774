// SPDX-License-Identifier: Apache-2.0
import { type FakeMachine, labMachine } from "../fake-host/index.ts";
import type { HoldOptions } from "../fake-host/iommu-groups.ts";
import { kernelContract } from "./kernel.ts";
import type { Held, KernelSubject } from "./kernel-subject.ts";

async function hold(machine: FakeMachine, group: number, options: HoldOptions): Promise<Held> {
  const process = machine.process({ user: "root", comm: "holder" });
  machine.holdGroup(process, group, options);
  return { pid: process.pid, release: async () => machine.processes.end(process.pid) };
}

async function fakeSubject(): Promise<KernelSubject> {
  const machine = labMachine().bridge("0000:00:07.0").bootModule("vfio-pci").bootModule("pci-stub").build();
  const host = machine.open();
  return {
    host,
    user: host.as("alex"),
    lone: { address: "0000:01:00.0", driver: "e1000e", group: 11 },
    shared: { addresses: ["0000:04:01.0", "0000:04:02.0", "0000:04:03.0"], driver: "e1000", group: 13 },
    bridge: "0000:00:07.0",
    pciBridge: "0000:03:00.0",
    physical: "0000:05:00.0",
    openGroup: (group) => hold(machine, group, { claim: false }),
    claimGroup: (group) => hold(machine, group, { devices: [] }),
    openDevice: (group, address) => hold(machine, group, { devices: [address] }),
    isViable: async (group) => machine.isViable(group),
  };
}

kernelContract("FakeHost", fakeSubject);
