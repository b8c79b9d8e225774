// SPDX-License-Identifier: Apache-2.0
import { devicesVerb } from "./commands/devices.ts";
import { groupsVerb } from "./commands/groups.ts";
import { showVerb } from "./commands/show.ts";
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
  verbs: [devicesVerb, groupsVerb, showVerb],
};
