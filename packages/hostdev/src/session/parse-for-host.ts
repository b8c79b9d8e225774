// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { type ParseOptions, parseDomain } from "../domain/parse.ts";
import { formatPciAddress } from "../pci/address.ts";
import { isExpress } from "../pci/express.ts";
import { pciDevices } from "../pci/sysfs.ts";

/**
 * Reads a user's domain for this machine: what of its devices is PCI Express decides where the guest sees them.
 *
 * Touches: reads sysfs. Needs: nothing.
 * @param file its name, for errors.
 * @throws {HostdevError} as `parseDomain`.
 */
export function parseForHost(host: Host, text: string, file?: string): Domain {
  return parseDomain(text, { ...parseOptions(host), ...(file === undefined ? {} : { file }) });
}

/** What reading a domain depends on here. */
export function parseOptions(host: Host): ParseOptions {
  return {
    expressness: (address) => {
      const name = formatPciAddress(address);
      if (host.status(`${pciDevices}/${name}`) === undefined) return undefined;
      return isExpress(host, name) ? "pcie" : "pci";
    },
  };
}
