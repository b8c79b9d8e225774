// SPDX-License-Identifier: Apache-2.0
import { type FakeMachine, labMachine } from "../fake-host/index.ts";
import { kernelContract } from "./kernel.ts";
import type { KernelSubject, Release } from "./kernel-subject.ts";

/** The fake holds a group as soon as it is told to. */
function holder(machine: FakeMachine, group: number, claim: boolean, devices: readonly string[]): Promise<Release> {
  const process = machine.process({ user: "root", comm: "holder" });
  machine.holdGroup(process, group, { claim, devices });
  return Promise.resolve(async () => machine.processes.end(process.pid));
}

async function fakeSubject(): Promise<KernelSubject> {
  const machine = labMachine().bootModule("vfio-pci").bootModule("pci-stub").build();
  const host = machine.open();
  return {
    host,
    user: host.as("alex"),
    lone: { address: "0000:01:00.0", driver: "e1000e", group: 11 },
    shared: { addresses: ["0000:04:01.0", "0000:04:02.0", "0000:04:03.0"], driver: "e1000", group: 13 },
    bridge: "0000:00:02.0",
    openGroup: (group) => holder(machine, group, false, []),
    claimGroup: (group) => holder(machine, group, true, []),
    openDevice: (group, address) => holder(machine, group, true, [address]),
    isViable: async (group) => machine.isViable(group),
  };
}

kernelContract("FakeHost", fakeSubject);
