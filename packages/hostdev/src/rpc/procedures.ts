// SPDX-License-Identifier: Apache-2.0
import type { Procedure } from "./procedure.ts";
import { connectionProcedures } from "./procedures/connection.ts";
import {
  domainDeviceProcedures,
  domainLifecycleProcedures,
  domainLookupProcedures,
  domainStateProcedures,
} from "./procedures/domain.ts";
import { domainStatisticsProcedures } from "./procedures/domain-statistics.ts";
import { hostInterfaceProcedures } from "./procedures/host-interface.ts";
import { neighbourProcedures } from "./procedures/neighbours.ts";
import { nodeDeviceProcedures, nodeProcedures } from "./procedures/node.ts";
import { storagePoolProcedures, storageVolumeProcedures } from "./procedures/storage.ts";
import type { Infer } from "./xdr.ts";

/**
 * The calls of libvirt's remote program that hostdev knows, server and client alike. Names are libvirt's
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
  ...neighbourProcedures,
  ...storagePoolProcedures,
  ...storageVolumeProcedures,
};

export type ProcedureName = keyof typeof procedures;
/** What a call takes. */
export type ArgumentsOf<N extends ProcedureName> = Infer<(typeof procedures)[N]["args"]>;
/** What a call gives. */
export type ResultOf<N extends ProcedureName> = Infer<(typeof procedures)[N]["result"]>;

const byNumber: ReadonlyMap<number, ProcedureName> = new Map(
  Object.entries(procedures).map(([name, { number }]) => [number, name as ProcedureName]),
);

/** The call with this number; `undefined` for those that hostdev does not know. */
export function procedureByNumber(
  number: number,
): { readonly name: ProcedureName; readonly call: Procedure } | undefined {
  const name = byNumber.get(number);
  return name === undefined ? undefined : { name, call: procedures[name] as unknown as Procedure };
}
