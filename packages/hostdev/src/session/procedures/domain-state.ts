// SPDX-License-Identifier: Apache-2.0
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import type { Impact, MetadataKind } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { findDomain } from "./domain-reference.ts";
import { requireActive } from "./domain-statistics.ts";
import { checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_XML_*`. */
const xml = { secure: 1, inactive: 2, updateCpu: 4, migratable: 8 } as const;
/** `VIR_DOMAIN_MESSAGE_TAINTING`; 1 is what of the domain is deprecated. */
const taintingFlag = 2;
/** `virDomainMetadataType`. */
const metadataKinds: readonly MetadataKind[] = ["description", "title", "element"];

/** What a domain is and how it is. */
export const domainStateHandlers: ClientHandlers = {
  domainGetXmlDesc: ({ session, connection }, { domain, flags }) => {
    checkFlags(flags, xml.secure | xml.inactive | xml.updateCpu | xml.migratable);
    const found = findDomain(session, domain);
    if ((flags & xml.secure) !== 0 && connection.access !== "full") {
      throw libvirtError(
        errorCode.operationDenied,
        errorDomain.qemu,
        "operation forbidden: ",
        "read only access prevents passwords in the XML",
      );
    }
    const isInactive = (flags & (xml.inactive | xml.migratable)) !== 0;
    return { xml: found.getXml({ inactive: isInactive, secure: (flags & xml.secure) !== 0 }) };
  },
  domainGetInfo: async ({ session }, { domain }) => {
    const { state, maxMemoryKiB, memoryKiB, vcpus, cpuTimeNs } = await findDomain(session, domain).info();
    return { state, maxMemoryKiB: BigInt(maxMemoryKiB), memoryKiB: BigInt(memoryKiB), vcpus, cpuTimeNs };
  },
  domainGetState: ({ session }, { domain, flags }) => {
    checkFlags(flags, 0);
    return findDomain(session, domain).state;
  },
  domainGetControlInfo: ({ session }, { domain, flags }) => {
    checkFlags(flags, 0);
    requireActive(findDomain(session, domain));
    return { state: 0, details: 0, stateTimeMs: 0n }; // ok: the monitor answers, else the domain would not be active
  },
  domainGetAutostart: ({ session }, { domain }) => ({ autostart: findDomain(session, domain).autostart }),
  domainGetAutostartOnce: ({ session }, { domain }) => ({ autostart: findDomain(session, domain).autostartOnce }),
  domainGetOsType: ({ session }, { domain }) => {
    findDomain(session, domain);
    return { type: "hvm" }; // the only one that is ever accepted
  },
  domainIsActive: ({ session }, { domain }) => ({ active: findDomain(session, domain).isActive }),
  domainIsPersistent: ({ session }, { domain }) => ({ persistent: findDomain(session, domain).isPersistent }),
  domainIsUpdated: ({ session }, { domain }) => ({ updated: findDomain(session, domain).isUpdated }),
  domainHasManagedSaveImage: ({ session }, { domain }) => {
    findDomain(session, domain);
    return { result: false };
  },
  domainSnapshotNum: ({ session }, { domain }) => {
    findDomain(session, domain);
    return { number: 0 };
  },
  domainListAllSnapshots: ({ session }, { domain }) => {
    findDomain(session, domain);
    return { items: [], count: 0 };
  },
  domainListAllCheckpoints: ({ session }, { domain }) => {
    findDomain(session, domain);
    return { items: [], count: 0 };
  },
  domainGetMessages: ({ session }, { domain, flags }) => {
    const { messages } = findDomain(session, domain);
    return { messages: flags === 0 || (flags & taintingFlag) !== 0 ? messages : [] };
  },
  domainGetSecurityLabel: ({ session }, { domain }) => {
    findDomain(session, domain);
    return { label: "", enforcing: false };
  },
  domainGetMetadata: ({ session }, { domain, type, uri, flags }) => ({
    metadata: findDomain(session, domain).getMetadata(metadataKind(type), uri ?? undefined, impactOf(flags)),
  }),
  domainSetMetadata: ({ session }, { domain, type, metadata, key, uri, flags }) =>
    findDomain(session, domain).setMetadata(
      metadataKind(type),
      metadata ?? undefined,
      key ?? undefined,
      uri ?? undefined,
      impactOf(flags),
    ),
};

function metadataKind(type: number): MetadataKind {
  const kind = metadataKinds[type];
  if (kind === undefined) throw invalidArgument(`unknown metadata type ${type}`);
  return kind;
}

/** `VIR_DOMAIN_AFFECT_*`: live 1, config 2. */
export function impactOf(flags: number): Impact {
  const impact = (["current", "live", "config", "both"] as const)[flags];
  if (impact === undefined) throw invalidArgument(`unsupported flags (0x${flags.toString(16)})`);
  return impact;
}
