// SPDX-License-Identifier: Apache-2.0

import type { SocketAddress } from "../../core/host.ts";
import type { ArgumentsOf } from "../../rpc/procedures.ts";
import type { ShutdownMode, StartOptions } from "../session-api.ts";
import type { Client, ClientHandlers } from "./client.ts";
import { findDomain, toWire } from "./domain-reference.ts";
import { checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** `VIR_DOMAIN_START_*`. */
const start = { paused: 1, autodestroy: 2, bypassCache: 4, forceBoot: 8, validate: 16, resetNvram: 32 } as const;
/** `VIR_DOMAIN_UNDEFINE_*`. */
const undefine = {
  managedSave: 1,
  snapshots: 2,
  nvram: 4,
  keepNvram: 8,
  checkpoints: 16,
  tpm: 32,
  keepTpm: 64,
} as const;
const gracefulFlag = 1;
const forceConsoleFlag = 1;
const safeConsoleFlag = 2;

/** Making, starting and ending domains. */
export const domainLifecycleHandlers: ClientHandlers = {
  domainDefineXml: ({ session }, { xml }) => define(session, xml),
  domainDefineXmlFlags: ({ session }, { xml, flags }) => {
    checkFlags(flags, 1); // VALIDATE: every definition is checked
    return define(session, xml);
  },
  domainCreateXml: async ({ session }, { xml, flags }) => {
    const domain = await session.createXml(xml, startOptions(flags & ~start.validate));
    return { domain: toWire(domain.reference) };
  },
  domainCreate: ({ session }, { domain }) => findDomain(session, domain).start(),
  domainCreateWithFlags: async ({ session }, { domain, flags }) => {
    const found = findDomain(session, domain);
    await found.start(startOptions(flags));
    return { domain: toWire(found.reference) };
  },
  domainDestroy: ({ session }, { domain }) => findDomain(session, domain).destroy(),
  domainDestroyFlags: ({ session }, { domain, flags }) => {
    checkFlags(flags, gracefulFlag | 2); // REMOVE_LOGS: our logs go with their VM anyway
    return findDomain(session, domain).destroy({ graceful: (flags & gracefulFlag) !== 0 });
  },
  domainShutdown: ({ session }, { domain }) => findDomain(session, domain).shutdown(),
  domainShutdownFlags: ({ session }, { domain, flags }) => findDomain(session, domain).shutdown(shutdownMode(flags)),
  domainReboot: ({ session }, { domain, flags }) => findDomain(session, domain).reboot(shutdownMode(flags)),
  domainReset: ({ session }, { domain, flags }) => {
    checkFlags(flags, 0);
    return findDomain(session, domain).reset();
  },
  domainSuspend: ({ session }, { domain }) => findDomain(session, domain).suspend(),
  domainResume: ({ session }, { domain }) => findDomain(session, domain).resume(),
  domainSetAutostart: ({ session }, { domain, autostart }) => findDomain(session, domain).setAutostart(autostart),
  domainSetAutostartOnce: ({ session }, { domain, autostart }) =>
    findDomain(session, domain).setAutostart(autostart, "next-boot"),
  domainUndefine: ({ session }, { domain }) => findDomain(session, domain).undefine(),
  domainUndefineFlags: ({ session }, { domain, flags }) => {
    checkFlags(
      flags,
      Object.values(undefine).reduce((sum, flag) => sum | flag, 0),
    );
    const removes = (flags & undefine.nvram) !== 0;
    const keeps = (flags & undefine.keepNvram) !== 0;
    if (removes && keeps) throw invalidArgument("flags 'nvram' and 'keep nvram' are mutually exclusive");
    const found = findDomain(session, domain);
    return removes || keeps ? found.undefine({ nvram: keeps ? "keep" : "remove" }) : found.undefine();
  },
  domainRename: async ({ session }, { domain, name, flags }) => {
    checkFlags(flags, 0);
    if (name === null || name === "") throw invalidArgument("new domain name is empty");
    await findDomain(session, domain).rename(name);
    return { number: 0 };
  },
  domainOpenConsole: (client, args) => openConsole(client, args),
  domainOpenGraphicsFd: (client, args) => findScreen(client, args),
};

async function define(session: Client["session"], xml: string) {
  const domain = await session.defineXml(xml);
  return { domain: toWire(domain.reference) };
}

/** @throws {HostdevError} `HD_LIBVIRT_ERROR`, also for autodestroy, which would need to know when its client goes. */
function startOptions(flags: number): StartOptions {
  checkFlags(flags, start.paused | start.bypassCache | start.forceBoot | start.resetNvram);
  return {
    paused: (flags & start.paused) !== 0,
    forceBoot: (flags & start.forceBoot) !== 0,
    resetNvram: (flags & start.resetNvram) !== 0,
  };
}

/** `VIR_DOMAIN_SHUTDOWN_*` and `VIR_DOMAIN_REBOOT_*`, which have the same numbers. */
function shutdownMode(flags: number): ShutdownMode {
  checkFlags(flags, 3);
  return flags === 1 ? "acpi" : flags === 2 ? "agent" : "default";
}

async function openConsole({ session }: Client, { domain, device, flags }: ArgumentsOf<"domainOpenConsole">) {
  checkFlags(flags, forceConsoleFlag | safeConsoleFlag);
  const force = (flags & forceConsoleFlag) !== 0;
  const alias = device === null ? {} : { alias: device };
  return { reply: undefined, stream: await findDomain(session, domain).openConsole({ force, ...alias }) };
}

/** `VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH`: screens of a session ask for what their XML says, here as anywhere. */
const skipAuthFlag = 1;

function findScreen({ session }: Client, { domain, index, flags }: ArgumentsOf<"domainOpenGraphicsFd">): SocketAddress {
  checkFlags(flags, skipAuthFlag);
  const { path, address, port } = findDomain(session, domain).screen(index);
  if (path !== undefined) return { path };
  return { address: address ?? "127.0.0.1", port: port ?? 0 };
}
