// SPDX-License-Identifier: Apache-2.0
import { originOf, unsupported } from "../xml/complaint.ts";
import type { Domain } from "./domain.ts";

/** The two chipsets of x86 machines: conventional PCI or PCI Express. */
export type Chipset = "i440fx" | "q35";

/** What the machine is when the XML does not say: libvirt's default for x86. */
export const defaultMachine = "pc";

/**
 * The chipset of a domain's machine type (`q35`, `pc-q35-8.2`, `pc`, `pc-i440fx-8.2`).
 *
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED` for any other machine.
 */
export function chipsetOf(domain: Domain): Chipset {
  const machine = domain.os.type.machine ?? defaultMachine;
  if (machine === "q35" || machine.startsWith("pc-q35-")) return "q35";
  if (machine === "pc" || /^pc-(i440fx-|[01]\.)/.test(machine)) return "i440fx";
  throw unsupported(
    originOf(domain.os.type) ?? domain,
    `machine ${JSON.stringify(machine)} is not supported`,
    "machine q35, pc-q35-VERSION, pc or pc-i440fx-VERSION",
  );
}
