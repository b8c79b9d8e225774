// SPDX-License-Identifier: Apache-2.0
import * as v from "valibot";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { pciDevices } from "../pci/sysfs.ts";

/** What the driver of a physical network function holds a virtual one to. */
export interface VfSettings {
  /** All zeros: its user chooses. */
  readonly mac: string;
  /** 0: none. */
  readonly vlan: number;
}

/** What `ip` prints of it; there is more. */
const links = v.array(
  v.object({
    vfinfo_list: v.optional(
      v.array(
        v.object({
          vf: v.number(),
          address: v.optional(v.pipe(v.string(), v.regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/))),
          vlan_list: v.optional(v.array(v.object({ vlan: v.optional(v.number()) }))),
        }),
      ),
    ),
  }),
);

/**
 * Reads the settings of a virtual function.
 *
 * Touches: `ip link show`. Needs: nothing.
 * @throws {HostdevError} `HD_VF_SETTINGS` when the physical function has no network interface, or knows no such settings.
 */
export async function readVfSettings(host: Host, physicalFunction: string, index: number): Promise<VfSettings> {
  const name = interfaceOf(host, physicalFunction, index);
  const { status, stdout, stderr } = await host.run("ip", ["-json", "-details", "link", "show", "dev", name]);
  if (status !== 0) throw unable(physicalFunction, index, lastLine(stderr));
  const found = parse(stdout)?.[0]?.vfinfo_list?.find(({ vf }) => vf === index);
  if (found?.address === undefined) throw unable(physicalFunction, index, `${name} knows no such settings`);
  return { mac: found.address, vlan: found.vlan_list?.[0]?.vlan ?? 0 };
}

/**
 * Sets what differs, and reads it back.
 *
 * Touches: `ip link set`. Needs: root.
 * @throws {HostdevError} `HD_VF_SETTINGS` with the driver's reason, or when it does not stay as set.
 */
export async function setVfSettings(
  host: Host,
  physicalFunction: string,
  index: number,
  wanted: VfSettings,
): Promise<void> {
  const name = interfaceOf(host, physicalFunction, index);
  const now = await readVfSettings(host, physicalFunction, index);
  for (const key of ["mac", "vlan"] as const) {
    if (now[key] === wanted[key]) continue;
    const args = ["link", "set", "dev", name, "vf", String(index), key, String(wanted[key])];
    const { status, stderr } = await host.run("ip", args);
    if (status !== 0) throw unable(physicalFunction, index, lastLine(stderr));
  }
  const after = await readVfSettings(host, physicalFunction, index);
  if (after.mac === wanted.mac && after.vlan === wanted.vlan) return;
  throw unable(physicalFunction, index, "they do not stay as set");
}

/** The network interface of a physical function; `undefined` without one. Needs: nothing. */
export function interfaceName(host: Host, physicalFunction: string): string | undefined {
  return [...(host.list(`${pciDevices}/${physicalFunction}/net`) ?? [])].sort()[0];
}

function interfaceOf(host: Host, physicalFunction: string, index: number): string {
  const name = interfaceName(host, physicalFunction);
  if (name !== undefined) return name;
  throw unable(physicalFunction, index, "it has no network interface");
}

function parse(text: string): v.InferOutput<typeof links> | undefined {
  try {
    return v.parse(links, JSON.parse(text));
  } catch {
    return undefined;
  }
}

const lastLine = (text: string) => text.trim().split("\n").at(-1) || "ip failed";

function unable(physicalFunction: string, index: number, reason: string): HostdevError<"HD_VF_SETTINGS"> {
  const message = `Cannot set MAC or VLAN of virtual function ${index} of ${physicalFunction}: ${reason}`;
  return new HostdevError("HD_VF_SETTINGS", message, { physicalFunction, index, reason });
}
