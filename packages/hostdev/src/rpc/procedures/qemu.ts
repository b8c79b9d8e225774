// SPDX-License-Identifier: Apache-2.0
import { domain, optionalString, string } from "../objects.ts";
import { program } from "../packet.ts";
import { procedure } from "../procedure.ts";
import { i32, struct, u32 } from "../xdr.ts";

const traits = { program: program.qemu, writes: true };

/** libvirt's program for QEMU: past the daemon, to the monitor and to the guest's agent. */
export const qemuProcedures = {
  qemuDomainMonitorCommand: procedure(
    1,
    struct({ domain, command: string, flags: u32 }),
    struct({ result: string }),
    traits,
  ),
  qemuDomainAgentCommand: procedure(
    3,
    struct({ domain, command: string, timeout: i32, flags: u32 }),
    struct({ result: optionalString }),
    traits,
  ),
};
