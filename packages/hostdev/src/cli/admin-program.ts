// SPDX-License-Identifier: Apache-2.0
import type { ProgramDescription } from "./run-program.ts";

/** `hostdev-admin`: what needs root. */
export const adminProgram: ProgramDescription = {
  name: "hostdev-admin",
  summary: "Lends PCI devices to ordinary users' virtual machines, and takes them back.",
  examples: [
    "  hostdev-admin grant 01:00.0 --to alex --memory 4GiB --dry-run   what would be done",
    "  hostdev-admin grant 01:00.0 --to alex --memory 4GiB             lend it",
    "  hostdev-admin grants                                            what is lent",
    "  hostdev-admin revoke 01:00.0                                    take it back",
    "  hostdev-admin recover                                           after a crash",
  ].join("\n"),
  verbs: {
    grant: async () => (await import("./commands/grant.ts")).grantVerb,
    revoke: async () => (await import("./commands/revoke.ts")).revokeVerb,
    grants: async () => (await import("./commands/grants.ts")).grantsVerb,
    release: async () => (await import("./commands/release.ts")).releaseVerb,
    expire: async () => (await import("./commands/expire.ts")).expireVerb,
    restore: async () => (await import("./commands/restore.ts")).restoreVerb,
    setup: async () => (await import("./commands/setup.ts")).setupVerb,
    recover: async () => (await import("./commands/recover.ts")).recoverVerb,
    completion: async () => (await import("./commands/completion.ts")).completionVerb(adminProgram),
  },
};
