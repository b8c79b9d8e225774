// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { nodeSet } from "../../domain/node-set.ts";
import { callAgent } from "../guest-agent.ts";
import { agentFileSystems, agentInterfaces, agentVcpus } from "../guest-agent-answers.ts";
import { guestInfo } from "../guest-info.ts";
import { parseCpuSet } from "../machine/cpu-topology.ts";
import type { SessionDomain } from "../session-api.ts";
import type { ClientHandlers } from "./client.ts";
import { requireLive } from "./domain-block.ts";
import { findDomain } from "./domain-reference.ts";
import { argumentUnsupported, checkFlags, invalidArgument, operationUnsupported } from "./libvirt-errors.ts";

/** `VIR_NODE_SUSPEND_TARGET_*`. */
const suspendCommands = ["guest-suspend-ram", "guest-suspend-disk", "guest-suspend-hybrid"];
/** `VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_*`. */
const addressSource = { lease: 0, agent: 1, arp: 2 } as const;
/** `VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_*`. */
const sshKeys = { append: 1, remove: 2 } as const;
const encryptedFlag = 1;
const rtcFlag = 1;

/** What the agent in the guest does and tells. */
export const domainGuestAgentHandlers: ClientHandlers = {
  domainPmSuspendForDuration: async ({ host, session }, { domain, target, seconds, flags }) => {
    checkFlags(flags, 0);
    const command = suspendCommands[target];
    if (command === undefined) throw invalidArgument(`Unknown suspend target: ${target}`);
    if (seconds !== 0n) throw argumentUnsupported("Duration not supported. Use 0 for now");
    await call(host, findDomain(session, domain), command);
  },
  domainGetHostname: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 3); // from leases, or from the agent
    if (flags === 1) throw argumentUnsupported("sessions have no networks whose leases could tell");
    const answer = (await call(host, findDomain(session, domain), "guest-get-host-name")) as { "host-name": string };
    return { hostname: answer["host-name"] };
  },
  domainFstrim: async ({ host, session }, { domain, mountPoint, minimum, flags }) => {
    checkFlags(flags, 0);
    if (mountPoint !== null) throw argumentUnsupported("Specifying mount point is not supported for now");
    await call(host, findDomain(session, domain), "guest-fstrim", { minimum: Number(minimum) });
  },
  domainFsfreeze: async ({ host, session }, { domain, mountPoints, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    const frozen =
      mountPoints.length === 0
        ? await call(host, found, "guest-fsfreeze-freeze")
        : await call(host, found, "guest-fsfreeze-freeze-list", { mountpoints: mountPoints });
    return { fileSystems: Number(frozen) };
  },
  domainFsthaw: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 0); // mount points are passed over: the agent thaws what it has frozen
    return { fileSystems: Number(await call(host, findDomain(session, domain), "guest-fsfreeze-thaw")) };
  },
  domainGetTime: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 0);
    const time = BigInt(Number(await call(host, findDomain(session, domain), "guest-get-time")));
    return { seconds: time / 1_000_000_000n, nanoseconds: Number(time % 1_000_000_000n) };
  },
  domainSetTime: async ({ host, session }, { domain, seconds, nanoseconds, flags }) => {
    checkFlags(flags, rtcFlag);
    const found = findDomain(session, domain);
    const time = Number(seconds) * 1e9 + nanoseconds;
    // Without a time the guest takes that of its clock, which QEMU keeps right.
    await call(host, found, "guest-set-time", (flags & rtcFlag) === 0 ? { time } : undefined);
    await requireLive(found)
      .process.execute("rtc-reset-reinjection", {})
      .catch(() => {}); // only machines that catch up missed ticks have it
  },
  domainGetFsinfo: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    const answer = await call(host, found, "guest-get-fsinfo");
    const items = agentFileSystems(answer, requireLive(found).domain).map(({ mountPoint, name, type, disks }) => ({
      ...{ mountPoint, name, type },
      disks: disks.flatMap(({ target }) => (target === undefined ? [] : [target])),
    }));
    return { items, count: items.length };
  },
  domainInterfaceAddresses: async ({ host, session }, { domain, source, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    requireLive(found);
    if (source === addressSource.agent)
      return { interfaces: agentInterfaces(await call(host, found, "guest-network-get-interfaces")) };
    // A session's cards have no leases of libvirt's networks, and no neighbours on the host's.
    if (source === addressSource.lease || source === addressSource.arp) return { interfaces: [] };
    throw argumentUnsupported(`Unknown IP address data source ${source}`);
  },
  domainSetUserPassword: async ({ host, session }, { domain, user, password, flags }) => {
    checkFlags(flags, encryptedFlag);
    await call(host, findDomain(session, domain), "guest-set-user-password", {
      username: user ?? "",
      password: Buffer.from(password ?? "", "utf8").toString("base64"),
      crypted: (flags & encryptedFlag) !== 0,
    });
  },
  domainGetGuestVcpus: async ({ host, session }, { domain, flags }) => {
    checkFlags(flags, 0);
    const vcpus = agentVcpus(await call(host, findDomain(session, domain), "guest-get-vcpus"));
    const set = (field: string, ids: readonly number[]) =>
      ({ field, value: { type: "string", value: ids.length === 0 ? "" : nodeSet.format([...ids]) } }) as const;
    const ids = (isWanted: (vcpu: (typeof vcpus)[number]) => boolean) => vcpus.filter(isWanted).map(({ id }) => id);
    return {
      params: [
        set(
          "vcpus",
          ids(() => true),
        ),
        set(
          "online",
          ids(({ online }) => online),
        ),
        set(
          "offlinable",
          ids(({ canOffline }) => canOffline),
        ),
      ],
    };
  },
  domainSetGuestVcpus: async ({ host, session }, { domain, vcpus, state, flags }) => {
    checkFlags(flags, 0);
    const wanted = parseCpuSet(vcpus).map((id) => ({ "logical-id": id, online: state !== 0 }));
    const done = await call(host, findDomain(session, domain), "guest-set-vcpus", { vcpus: wanted });
    if (Number(done) !== wanted.length) throw operationUnsupported("the guest has not switched all of them");
  },
  domainAuthorizedSshKeysGet: async ({ host, session }, { domain, user, flags }) => {
    checkFlags(flags, 0);
    const answer = await call(host, findDomain(session, domain), "guest-ssh-get-authorized-keys", { username: user });
    const { keys = [] } = answer as { readonly keys?: readonly unknown[] };
    return { keys: keys.map(String).slice(0, 2048) };
  },
  domainAuthorizedSshKeysSet: async ({ host, session }, { domain, user, keys, flags }) => {
    checkFlags(flags, sshKeys.append | sshKeys.remove);
    const isRemoval = (flags & sshKeys.remove) !== 0;
    const command = isRemoval ? "guest-ssh-remove-authorized-keys" : "guest-ssh-add-authorized-keys";
    const reset = isRemoval ? {} : { reset: (flags & sshKeys.append) === 0 };
    await call(host, findDomain(session, domain), command, { username: user, keys, ...reset });
  },
  domainGetGuestInfo: async ({ host, session }, { domain, types, flags }) => {
    checkFlags(flags, 0);
    const found = findDomain(session, domain);
    const { domain: live } = requireLive(found);
    const ask = (command: string) => callAgent(host, live, command);
    const params = (await guestInfo(ask, types, live)).map(({ field, ...value }) => ({ field, value }));
    return { params };
  },
};

function call(host: Host, domain: SessionDomain, command: string, args?: object): Promise<unknown> {
  return callAgent(host, requireLive(domain).domain, command, args);
}

/** How many processors the guest has switched on, or could. */
export async function countGuestVcpus(host: Host, domain: SessionDomain, all: boolean): Promise<number> {
  const vcpus = agentVcpus(await call(host, domain, "guest-get-vcpus"));
  return vcpus.filter(({ online }) => all || online).length;
}

/** Switches processors of the guest on or off inside it, so that so many are on. */
export async function setGuestVcpuCount(host: Host, domain: SessionDomain, wanted: number): Promise<void> {
  const vcpus = agentVcpus(await call(host, domain, "guest-get-vcpus"));
  if (wanted > vcpus.length) {
    const text = `requested vcpu count is greater than the count of enabled vcpus in the domain: ${wanted} > ${vcpus.length}`;
    throw invalidArgument(text);
  }
  const excess = vcpus.filter(({ online }) => online).length - wanted;
  const candidates =
    excess > 0
      ? vcpus.filter(({ online, canOffline }) => online && canOffline).reverse()
      : vcpus.filter(({ online }) => !online);
  const switched = candidates.slice(0, Math.abs(excess)).map(({ id }) => ({ "logical-id": id, online: excess < 0 }));
  if (switched.length < Math.abs(excess)) throw operationUnsupported("the guest cannot switch so many of its vcpus");
  if (switched.length > 0) await call(host, domain, "guest-set-vcpus", { vcpus: switched });
}
