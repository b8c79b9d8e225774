// SPDX-License-Identifier: Apache-2.0
import { hasIommuGroups } from "../../pci/iommu-group.ts";
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";
import { domainCapabilitiesXml } from "../machine/domain-capabilities-xml.ts";
import type { EmulatorFacts } from "../machine/emulator-facts.ts";
import { emulatorPaths } from "../machine/machine-facts.ts";
import type { Client, ClientHandlers } from "./client.ts";
import { formatUuid } from "./domain-reference.ts";
import { checkFlags, invalidArgument, notSupported } from "./libvirt-errors.ts";

/** Whose protocol we speak; clients compare it with what they need. */
const libvirtVersion = 9_000_000n;
const sessionUri = "qemu:///session";
const readOnlyFlag = 1;

/** What we have of `VIR_DRV_FEATURE_*`: typed strings, keepalive, close callback, events with callback numbers. */
const features: ReadonlySet<number> = new Set([9, 10, 14, 15]);
const keepaliveFeature = 10;
/** Open files to clients; those of clients are refused. */
const passFilesFeature = 8;

/** Opening a connection, and what it is to. */
export const connectionHandlers: ClientHandlers = {
  authList: () => ({ types: [0] }),
  connectSupportsFeature: ({ connection, host }, { feature }) => {
    if (feature === keepaliveFeature) connection.startKeepalive();
    return { supported: features.has(feature) || (feature === passFilesFeature && host.canPassConnections) };
  },
  connectOpen: ({ connection }, { name, flags }) => {
    if (name !== null && name !== "" && !isOurs(name)) {
      throw libvirtError(errorCode.noConnection, errorDomain.rpc, "no connection driver available for ", name);
    }
    connection.access = (flags & readOnlyFlag) === 0 ? "full" : "read-only";
  },
  connectClose: ({ connection }) => {
    connection.access = "none";
  },
  connectGetType: () => ({ type: "QEMU" }),
  connectGetVersion: async ({ machine }) => ({ version: BigInt((await machine.emulator()).version) }),
  connectGetLibVersion: () => ({ version: libvirtVersion }),
  connectGetUri: () => ({ uri: sessionUri }),
  connectGetHostname: ({ host }) => ({ hostname: host.readText("/proc/sys/kernel/hostname")?.trim() || "localhost" }),
  connectIsSecure: () => ({ secure: true }),
  connectRegisterCloseCallback: () => {},
  connectUnregisterCloseCallback: () => {},
  connectGetCapabilities: async ({ machine }) => ({ capabilities: await machine.capabilities() }),
  connectGetSysinfo: () => {
    // libvirt reads it as root only.
    const text = "Host SMBIOS information is not available";
    throw libvirtError(errorCode.configUnsupported, errorDomain.qemu, "unsupported configuration: ", text);
  },
  connectGetMaxVcpus: async ({ machine }) => ({ maxVcpus: defaultMachine(await machine.emulator()).maxCpus }),
  connectGetDomainCapabilities: async (client, args) => {
    checkFlags(args.flags, 1); // DISABLE_DEPRECATED_FEATURES: of CPUs of s390 only
    return { capabilities: await domainCapabilities(client, args) };
  },
  connectGetCpuModelNames: async ({ machine }, { arch, needResults }) => {
    if (arch !== "x86_64" && arch !== "i686") throw notSupported(`no CPU models for ${arch}`);
    const models = (await machine.emulator()).cpus.map(({ name }) => name).filter((name) => !/-v\d+$/.test(name));
    return { models: needResults ? models : [], count: models.length };
  },
  connectDomainEventCallbackRegisterAny: ({ registrations }, { eventId, domain }) => ({
    callbackId: registrations.add("domain", eventId, domain === null ? undefined : formatUuid(domain.uuid)),
  }),
  connectDomainEventCallbackDeregisterAny: ({ registrations }, { callbackId }) =>
    registrations.remove("domain", callbackId),
};

/** Clients leave their own parameters of the URI away before they send it. */
function isOurs(uri: string): boolean {
  return /^qemu(\+unix)?:\/\/\/(session|embed)?(\?.*)?$/.test(uri);
}

function defaultMachine({ machines }: EmulatorFacts) {
  const found = machines.find(({ isDefault }) => isDefault) ?? machines[0];
  if (found === undefined) throw invalidArgument("the emulator has no machines");
  return found;
}

interface CapabilitiesArguments {
  readonly emulator: string | null;
  readonly arch: string | null;
  readonly machine: string | null;
  readonly virtType: string | null;
}

async function domainCapabilities({ host, machine: facts }: Client, asked: CapabilitiesArguments): Promise<string> {
  const { arch, virtType } = asked;
  if (arch !== null && arch !== "x86_64" && arch !== "i686") throw invalidArgument(`unknown architecture: ${arch}`);
  if (virtType !== null && virtType !== "kvm" && virtType !== "qemu")
    throw invalidArgument(`unknown virttype: ${virtType}`);
  const type = virtType ?? (facts.hasKvm ? "kvm" : "qemu");
  if (type === "kvm" && !facts.hasKvm) {
    throw invalidArgument("KVM is not supported by '/usr/bin/qemu-system-x86_64' on this host");
  }
  const path = asked.emulator ?? emulatorPaths[arch === "i686" ? 1 : 0];
  const emulator = await facts.emulator(path, type === "kvm" ? "kvm" : "tcg");
  const machine =
    asked.machine === null
      ? defaultMachine(emulator)
      : emulator.machines.find(({ name, alias }) => name === asked.machine || alias === asked.machine);
  if (machine === undefined)
    throw invalidArgument(`the machine '${asked.machine}' is not supported by emulator '${path}'`);
  const hasVfio = hasIommuGroups(host) && host.status("/dev/vfio/vfio") !== undefined;
  return domainCapabilitiesXml({ emulator, machine: machine.name, maxCpus: machine.maxCpus, virtType: type, hasVfio });
}
