// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Grant, GrantRequest } from "../grants/grant.ts";
import type { VfCreation } from "../grants/vf-request.ts";
import { readNumber } from "../pci/sysfs.ts";
import { interfaceName } from "../vfio/vf-settings.ts";
import { type Output, printJson } from "./context.ts";

/** The options of `grant` that are about virtual functions, as they were typed. */
export interface VfOptions {
  readonly vf?: string;
  readonly createVfs?: string;
  readonly mac?: string;
  readonly vlan?: string;
}

/**
 * Reads the options about virtual functions. Pure.
 *
 * @throws {HostdevError} `HD_INVALID_ARGUMENT`.
 */
export function readVfOptions({ vf, createVfs, mac, vlan }: VfOptions): Pick<GrantRequest, "vf"> {
  if (vf === undefined && createVfs === undefined) {
    const [argument, value] = mac === undefined ? ["--vlan", vlan] : ["--mac", mac];
    if (value !== undefined) throw invalid(argument, value, "it together with --vf or --create-vfs");
    return {};
  }
  return {
    vf: {
      index:
        vf === undefined || vf === "any" ? "any" : readInteger(vf, "--vf", 0, 65_535, "a number from 0 on, or any"),
      ...(createVfs === undefined
        ? {}
        : { create: readInteger(createVfs, "--create-vfs", 1, 65_535, "a number from 1 on") }),
      ...(mac === undefined ? {} : { mac: readMac(mac) }),
      ...(vlan === undefined ? {} : { vlan: readInteger(vlan, "--vlan", 1, 4094, "a number from 1 to 4094") }),
    },
  };
}

function readInteger(text: string, argument: string, min: number, max: number, expected: string): number {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(argument, text, expected);
}

/** A group address (bit 0 of the first byte) is nobody's own. */
function readMac(text: string): string {
  const mac = text.toLowerCase();
  const isOwn = /^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$/.test(mac) && mac !== "00:00:00:00:00:00";
  if (isOwn) return mac;
  throw invalid("--mac", text, "the address of one card, such as 52:54:00:12:34:56");
}

function invalid(argument: string, value: string, expected: string): HostdevError<"HD_INVALID_ARGUMENT"> {
  const message = `Cannot take ${JSON.stringify(value)} as ${argument}`;
  return new HostdevError("HD_INVALID_ARGUMENT", message, { argument, value, expected });
}

/** Prints what `--dry-run` can tell of virtual functions that are not there yet. */
export function printCreation(output: Output, creation: VfCreation, isJson: boolean): void {
  if (isJson) return printJson(output, { version: 1, creation });
  const { physicalFunction, count } = creation;
  output.print(`  1. make ${count} virtual functions of ${physicalFunction} (sriov_numvfs 0 -> ${count})\n`);
  output.print("  2. lend one of them; where it is, and in which IOMMU group, is known only then\n");
  output.print("Nothing was changed.\n");
}

/** A virtual function has no network, nor an answer from its physical one, while that is down. */
export function warnOfSleepingPf(host: Host, { warn }: Output, { virtualFunction }: Grant): void {
  const name = virtualFunction === null ? undefined : interfaceName(host, virtualFunction.physicalFunction);
  if (name === undefined || ((readNumber(host, `/sys/class/net/${name}/flags`) ?? 1) & 1) === 1) return;
  warn(`hostdev-admin: ${name} is down, and its virtual functions with it; bring it up: ip link set ${name} up\n`);
}
