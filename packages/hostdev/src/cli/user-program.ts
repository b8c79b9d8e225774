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
    "  hostdev define vm.xml       or keep it: then start, list, console, shutdown ...",
  ].join("\n"),
  verbs: {
    devices: async () => (await import("./commands/devices.ts")).devicesVerb,
    groups: async () => (await import("./commands/groups.ts")).groupsVerb,
    show: async () => (await import("./commands/show.ts")).showVerb,
    topology: async () => (await import("./commands/topology.ts")).topologyVerb,
    doctor: async () => (await import("./commands/doctor.ts")).doctorVerb,
    check: async () => (await import("./commands/check.ts")).checkVerb,
    run: async () => (await import("./commands/run.ts")).runVerb,
    define: async () => (await import("./commands/define.ts")).defineVerb,
    start: async () => (await import("./commands/start.ts")).startVerb,
    list: async () => (await import("./commands/list.ts")).listVerb,
    console: async () => (await import("./commands/console.ts")).consoleVerb,
    shutdown: async () => (await import("./commands/shutdown.ts")).shutdownVerb,
    reboot: async () => (await import("./commands/reboot.ts")).rebootVerb,
    reset: async () => (await import("./commands/reset.ts")).resetVerb,
    destroy: async () => (await import("./commands/destroy.ts")).destroyVerb,
    suspend: async () => (await import("./commands/suspend.ts")).suspendVerb,
    resume: async () => (await import("./commands/resume.ts")).resumeVerb,
    attach: async () => (await import("./commands/attach.ts")).attachVerb,
    detach: async () => (await import("./commands/detach.ts")).detachVerb,
    events: async () => (await import("./commands/events.ts")).eventsVerb,
    dumpxml: async () => (await import("./commands/dumpxml.ts")).dumpxmlVerb,
    undefine: async () => (await import("./commands/undefine.ts")).undefineVerb,
    "nodedev-list": async () => (await import("./commands/nodedev-list.ts")).nodedevListVerb,
    "nodedev-dumpxml": async () => (await import("./commands/nodedev-dumpxml.ts")).nodedevDumpxmlVerb,
    "domxml-to-native": async () => (await import("./commands/domxml-to-native.ts")).domxmlToNativeVerb,
    setup: async () => (await import("./commands/setup-session.ts")).setupSessionVerb,
    completion: async () => (await import("./commands/completion.ts")).completionVerb(userProgram),
  },
};
