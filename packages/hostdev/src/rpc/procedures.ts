// SPDX-License-Identifier: Apache-2.0
import type { Procedure } from "./procedure.ts";
import { connectionProcedures } from "./procedures/connection.ts";
import {
  domainDeviceProcedures,
  domainLifecycleProcedures,
  domainLookupProcedures,
  domainStateProcedures,
} from "./procedures/domain.ts";
import { domainBlockProcedures } from "./procedures/domain-block.ts";
import { domainCpuProcedures } from "./procedures/domain-cpus.ts";
import { domainGuestProcedures } from "./procedures/domain-guest.ts";
import { domainStatisticsProcedures } from "./procedures/domain-statistics.ts";
import { domainTuningProcedures } from "./procedures/domain-tuning.ts";
import { hostInterfaceProcedures } from "./procedures/host-interface.ts";
import { neighbourProcedures } from "./procedures/neighbours.ts";
import { nodeDeviceProcedures, nodeProcedures } from "./procedures/node.ts";
import { qemuProcedures } from "./procedures/qemu.ts";
import { storagePoolProcedures, storageVolumeProcedures } from "./procedures/storage.ts";
import type { Infer } from "./xdr.ts";

/**
 * The calls of libvirt's remote program, and of its program for QEMU, that hostdev knows, server and client alike. Names are libvirt's
 * (`REMOTE_PROC_DOMAIN_GET_XML_DESC` is `domainGetXmlDesc`), numbers never change.
 */
export const procedures = {
  ...connectionProcedures,
  ...nodeProcedures,
  ...nodeDeviceProcedures,
  ...domainLookupProcedures,
  ...domainStateProcedures,
  ...domainLifecycleProcedures,
  ...domainDeviceProcedures,
  ...domainStatisticsProcedures,
  ...hostInterfaceProcedures,
  ...domainCpuProcedures,
  ...domainBlockProcedures,
  ...domainGuestProcedures,
  ...domainTuningProcedures,
  ...qemuProcedures,
  ...neighbourProcedures,
  ...storagePoolProcedures,
  ...storageVolumeProcedures,
};

export type ProcedureName = keyof typeof procedures;
/** What a call takes. */
export type ArgumentsOf<N extends ProcedureName> = Infer<(typeof procedures)[N]["args"]>;
/** What a call gives. */
export type ResultOf<N extends ProcedureName> = Infer<(typeof procedures)[N]["result"]>;

const byNumber: ReadonlyMap<string, ProcedureName> = new Map(
  Object.entries(procedures).map(([name, { program, number }]) => [`${program} ${number}`, name as ProcedureName]),
);

/** The call with this number in a program; `undefined` for those that hostdev does not know. */
export function procedureByNumber(
  program: number,
  number: number,
): { readonly name: ProcedureName; readonly call: Procedure } | undefined {
  const name = byNumber.get(`${program} ${number}`);
  return name === undefined ? undefined : { name, call: procedures[name] as unknown as Procedure };
}
