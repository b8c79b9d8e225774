// SPDX-License-Identifier: Apache-2.0
import type { ProgramDescription } from "./run-program.ts";

/** `hostdev`: what any user may do. */
export const userProgram: ProgramDescription = {
  name: "hostdev",
  summary: "Shows which PCI devices can be lent to virtual machines, and runs them as an ordinary user.",
  examples: [
    "  hostdev devices             what this machine has, and what could be lent",
    "  hostdev show 01:00.0        everything about one device and its group",
    "  hostdev check vm.xml        would this VM start? if not: why, and what to do",
    "  hostdev run vm.xml          run it, with its console on this terminal",
  ].join("\n"),
  verbs: {
    devices: async () => (await import("./commands/devices.ts")).devicesVerb,
    groups: async () => (await import("./commands/groups.ts")).groupsVerb,
    show: async () => (await import("./commands/show.ts")).showVerb,
    topology: async () => (await import("./commands/topology.ts")).topologyVerb,
    doctor: async () => (await import("./commands/doctor.ts")).doctorVerb,
    check: async () => (await import("./commands/check.ts")).checkVerb,
    run: async () => (await import("./commands/run.ts")).runVerb,
    "nodedev-list": async () => (await import("./commands/nodedev-list.ts")).nodedevListVerb,
    "nodedev-dumpxml": async () => (await import("./commands/nodedev-dumpxml.ts")).nodedevDumpxmlVerb,
    "domxml-to-native": async () => (await import("./commands/domxml-to-native.ts")).domxmlToNativeVerb,
    completion: async () => (await import("./commands/completion.ts")).completionVerb(userProgram),
  },
};
