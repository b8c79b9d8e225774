// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { nodeSet } from "../../domain/node-set.ts";
import { domainState } from "../domain-state.ts";
import { type AgentAct, askAgent, callAgent, setAgentTimeout } from "../guest-agent.ts";
import { agentFileSystems, agentInterfaces } from "../guest-agent-answers.ts";
import { guestInfo, guestInfoTypes } from "../guest-info.ts";
import type { SessionDomain } from "../session-api.ts";
import { agentTimeout } from "./agent-timeout.ts";
import type { ClientHandlers } from "./client.ts";
import { requireLive } from "./domain-block.ts";
import { findDomain } from "./domain-reference.ts";
import { guestVcpus, switchGuestVcpus } from "./guest-vcpus.ts";
import { argumentUnsupported, checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** `VIR_NODE_SUSPEND_TARGET_*`. */
const sleeps: readonly AgentAct[] = ["suspend-ram", "suspend-disk", "suspend-hybrid"];
/** Between the guest's last word and QEMU's. */
const sleepTimeoutMs = 10_000;
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
    const sleep = sleeps[target];
    if (sleep === undefined) throw invalidArgument(`Unknown suspend target: ${target}`);
    if (seconds !== 0n) throw argumentUnsupported("Duration not supported. Use 0 for now");
    const found = findDomain(session, domain);
    await askAgent(host, requireLive(found).domain, sleep);
    const end = host.now().getTime() + sleepTimeoutMs;
    while (found.state.state === domainState.running && host.now().getTime() < end) await host.sleep(20);
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
  domainFsthaw: async ({ host, session }, { domain, mountPoints, flags }) => {
    checkFlags(flags, 0);
    if (mountPoints.length > 0) throw argumentUnsupported("specifying mountpoints is not supported");
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
    const vcpus = await guestVcpus(host, findDomain(session, domain));
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
    if (state !== 0 && state !== 1) throw invalidArgument("unsupported state value");
    await switchGuestVcpus(host, findDomain(session, domain), vcpus, state === 1);
  },
  domainAgentSetResponseTimeout: ({ session }, { domain, timeout, flags }) => {
    checkFlags(flags, 0);
    setAgentTimeout(requireLive(findDomain(session, domain)).domain, agentTimeout(timeout));
    return { result: 0 };
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
    if ((types & ~guestInfoTypes) !== 0) {
      throw invalidArgument(`unsupported guest information types '0x${(types & ~guestInfoTypes).toString(16)}'`);
    }
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
