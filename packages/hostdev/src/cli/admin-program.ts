// SPDX-License-Identifier: Apache-2.0
import { grantVerb } from "./commands/grant.ts";
import { grantsVerb } from "./commands/grants.ts";
import { recoverVerb } from "./commands/recover.ts";
import { revokeVerb } from "./commands/revoke.ts";
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
  verbs: [grantVerb, revokeVerb, grantsVerb, recoverVerb],
};
