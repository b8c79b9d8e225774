// SPDX-License-Identifier: Apache-2.0
import type { Disk } from "../../domain/devices/disk.ts";
import type { TypedParameter } from "../../rpc/objects.ts";
import { blockLimits, changeLimits, contradiction, driveOf, throttleArguments } from "../block-limits.ts";
import type { SessionDomain, SessionEvent, StatsField } from "../session-api.ts";
import { sourceOf } from "../summaries.ts";
import type { ClientHandlers } from "./client.ts";
import { isDriveOf, requireDisk } from "./domain-block.ts";
import { requireSide } from "./domain-cpus.ts";
import { findDomain } from "./domain-reference.ts";
import { impactOf } from "./domain-state.ts";
import { checkFlags, internalError, invalidArgument } from "./libvirt-errors.ts";

const typedStrings = 4;

/** How much a disk may carry. */
export const domainBlockLimitHandlers: ClientHandlers = {
  domainGetBlockIoTune: async ({ session }, { domain, disk, count, flags }) => {
    checkFlags(flags, 3 | typedStrings);
    const found = findDomain(session, domain);
    const params = await readLimits(found, disk ?? "", flags & 3);
    return { params: count === 0 ? [] : params.slice(0, count), count: params.length };
  },
  domainSetBlockIoTune: ({ session }, { domain, disk: name, params, flags }) => {
    checkFlags(flags, 3 | typedStrings);
    const { changes, group } = readChanges(params);
    const clash = contradiction(changes);
    if (clash !== undefined) throw invalidArgument(`total and read/write of ${clash} cannot be set at the same time`);
    const apply = (disk: Disk): void => {
      const limits = changeLimits(disk.iotune, changes);
      if (limits === undefined) delete disk.iotune;
      else disk.iotune = group === undefined ? limits : { ...limits, groupName: group };
    };
    return findDomain(session, domain).change("limit a disk of", impactOf(flags & 3), {
      live: async (vm) => {
        const disk = requireDisk(vm.domain, name, `disk '${name}' was not found in the domain config`);
        const next = { ...disk };
        apply(next);
        await vm.process.execute("block_set_io_throttle", throttleArguments(disk, next.iotune));
        apply(disk);
        return tunable(disk, changes);
      },
      config: (definition) =>
        apply(requireDisk(definition, name, `missing persistent configuration for disk '${name}'`)),
    });
  },
};

/** What clients are told of a change: the disk, and the limits that were given. */
function tunable({ target }: Disk, changes: ReturnType<typeof readChanges>["changes"]): SessionEvent {
  const limits = blockLimits.flatMap(([name, parameter]): StatsField[] => {
    const value = changes.get(name);
    return value === undefined ? [] : [{ field: `blkdeviotune.${parameter}`, type: "ullong", value: BigInt(value) }];
  });
  return { kind: "tunable", fields: [{ field: "blkdeviotune.disk", type: "string", value: target.dev }, ...limits] };
}

function readChanges(params: readonly TypedParameter[]) {
  const changes = new Map<(typeof blockLimits)[number][0], number>();
  let group: string | undefined;
  for (const { field, value } of params) {
    const limit = blockLimits.find(([, parameter]) => parameter === field);
    if (field === "group_name" && value.type === "string") group = value.value;
    else if (limit !== undefined && value.type === "ullong") changes.set(limit[0], Number(value.value));
    else throw invalidArgument(`parameter '${field}' not supported`);
  }
  return { changes, group };
}

async function readLimits(domain: SessionDomain, name: string, flags: number): Promise<TypedParameter[]> {
  const side = requireSide(domain, flags);
  const model = domain.model({ inactive: side === "config" });
  // Without a disk a client asks which limits there are.
  const disk = name === "" ? undefined : requireDisk(model, name, `disk '${name}' was not found in the domain config`);
  const live = disk === undefined || side === "config" ? undefined : await askQemu(domain, disk);
  return blockLimits.flatMap(([limit, field, qemu], index): TypedParameter[] => {
    const value = live === undefined ? (disk?.iotune?.[limit] ?? 0) : Number(live[qemu] ?? 0);
    const one: TypedParameter = { field, value: { type: "ullong", value: BigInt(value) } };
    if (blockLimits[index + 1]?.[0] !== "totalBytesSecMaxLength") return [one];
    const group = live === undefined ? disk?.iotune?.groupName : live["group"];
    return [one, { field: "group_name", value: { type: "string", value: String(group ?? "") } }];
  });
}

async function askQemu(domain: SessionDomain, disk: Disk) {
  const drives = await domain.requireVm("look at").process.execute("query-block");
  const drive = drives.find(({ qdev }) => qdev === driveOf(disk) || isDriveOf(qdev, disk.alias));
  if (drive?.inserted === undefined || sourceOf(disk) === undefined)
    throw internalError("block_io_throttle inserted entry was not in expected format");
  return drive.inserted;
}
