// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import { agentDisk, agentFileSystems, agentInterfaces } from "./guest-agent-answers.ts";
import type { StatsField } from "./session-api.ts";

/** Asks the agent. */
type Ask = (command: string) => Promise<unknown>;
type Fields = Readonly<Record<string, unknown>>;

const string = (field: string, value: unknown): StatsField[] =>
  typeof value === "string" ? [{ field, type: "string", value }] : [];
const uint = (field: string, value: number): StatsField => ({ field, type: "uint", value });
const ullong = (field: string, value: bigint | undefined): StatsField[] =>
  value === undefined ? [] : [{ field, type: "ullong", value }];

/** All that can be asked for. */
export const guestInfoTypes = 127;

/** The parts of `virDomainGetGuestInfo`, by their bits, in the order in which libvirt tells them. */
const parts: readonly (readonly [bit: number, read: (ask: Ask, domain: Domain) => Promise<StatsField[]>])[] = [
  [1, readUsers],
  [2, readSystem],
  [4, readTimeZone],
  [8, async (ask) => string("hostname", ((await ask("guest-get-host-name")) as Fields)["host-name"])],
  [16, readFileSystems],
  [32, readDisks],
  [64, readInterfaces],
];

/**
 * What the agent tells of its guest.
 *
 * @param types which parts; 0 for all that this agent knows.
 * @throws {HostdevError} as `callAgent`, for a part that was asked for by name.
 */
export async function guestInfo(ask: Ask, types: number, domain: Domain): Promise<readonly StatsField[]> {
  const fields: StatsField[] = [];
  for (const [bit, read] of parts) {
    if (types !== 0 && (types & bit) === 0) continue;
    try {
      fields.push(...(await read(ask, domain)));
    } catch (error) {
      const { code, details } = error as { readonly code?: string; readonly details?: Fields };
      const isUnknown = code === "HD_AGENT_COMMAND" && details?.["class"] === "CommandNotFound";
      if (types !== 0 || !isUnknown) throw error;
    }
  }
  return fields;
}

async function readUsers(ask: Ask): Promise<StatsField[]> {
  const users = (await ask("guest-get-users")) as readonly Fields[];
  return [
    uint("user.count", users.length),
    ...users.flatMap((user, index) => [
      ...string(`user.${index}.name`, user["user"]),
      ...string(`user.${index}.domain`, user["domain"]),
      ...ullong(`user.${index}.login-time`, BigInt(Math.floor(1000 * Number(user["login-time"] ?? 0)))),
    ]),
  ];
}

const systemFields = [
  "id",
  "name",
  "pretty-name",
  "version",
  "version-id",
  "machine",
  "variant",
  "variant-id",
  "kernel-release",
  "kernel-version",
];

async function readSystem(ask: Ask): Promise<StatsField[]> {
  const system = (await ask("guest-get-osinfo")) as Fields;
  return systemFields.flatMap((name) => string(`os.${name}`, system[name]));
}

async function readTimeZone(ask: Ask): Promise<StatsField[]> {
  const { zone, offset } = (await ask("guest-get-timezone")) as Fields;
  return [...string("timezone.name", zone), { field: "timezone.offset", type: "int", value: Number(offset) }];
}

async function readFileSystems(ask: Ask, domain: Domain): Promise<StatsField[]> {
  const found = agentFileSystems(await ask("guest-get-fsinfo"), domain);
  return [
    uint("fs.count", found.length),
    ...found.flatMap(({ mountPoint, name, type, totalBytes, usedBytes, disks }, index) => [
      ...string(`fs.${index}.name`, name),
      ...string(`fs.${index}.mountpoint`, mountPoint),
      ...string(`fs.${index}.fstype`, type),
      ...ullong(`fs.${index}.total-bytes`, totalBytes),
      ...ullong(`fs.${index}.used-bytes`, usedBytes),
      uint(`fs.${index}.disk.count`, disks.length),
      ...disks.flatMap(({ target, serial, device }, disk) => [
        ...string(`fs.${index}.disk.${disk}.alias`, target),
        ...string(`fs.${index}.disk.${disk}.serial`, serial),
        ...string(`fs.${index}.disk.${disk}.device`, device),
      ]),
    ]),
  ];
}

function addressFields(prefix: string, address: unknown, domain: Domain): StatsField[] {
  const { target, serial } = agentDisk(address, domain);
  return [...string(`${prefix}.serial`, serial), ...string(`${prefix}.alias`, target)];
}

async function readDisks(ask: Ask, domain: Domain): Promise<StatsField[]> {
  const disks = (await ask("guest-get-disks")) as readonly Fields[];
  return [
    uint("disk.count", disks.length),
    ...disks.flatMap((disk, index) => {
      const dependencies = (disk["dependencies"] ?? []) as readonly unknown[];
      const isPartition: StatsField = {
        field: `disk.${index}.partition`,
        type: "boolean",
        value: disk["partition"] === true,
      };
      return [
        ...string(`disk.${index}.name`, disk["name"]),
        isPartition,
        ...(dependencies.length === 0 ? [] : [uint(`disk.${index}.dependency.count`, dependencies.length)]),
        ...dependencies.flatMap((name, at) => string(`disk.${index}.dependency.${at}.name`, name)),
        ...addressFields(`disk.${index}`, disk["address"], domain),
        ...string(`disk.${index}.guest_alias`, disk["alias"]),
      ];
    }),
  ];
}

async function readInterfaces(ask: Ask): Promise<StatsField[]> {
  const cards = agentInterfaces(await ask("guest-network-get-interfaces"));
  return [
    uint("if.count", cards.length),
    ...cards.flatMap(({ name, mac, addresses }, index) => [
      ...string(`if.${index}.name`, name),
      ...string(`if.${index}.hwaddr`, mac),
      uint(`if.${index}.addr.count`, addresses.length),
      ...addresses.flatMap(({ type, address, prefix }, at) => [
        ...string(`if.${index}.addr.${at}.type`, type === 1 ? "ipv6" : "ipv4"),
        ...string(`if.${index}.addr.${at}.addr`, address),
        uint(`if.${index}.addr.${at}.prefix`, prefix),
      ]),
    ]),
  ];
}
