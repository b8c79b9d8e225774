// SPDX-License-Identifier: Apache-2.0
import { invalid } from "../xml/complaint.ts";
import { readXml } from "../xml/reader.ts";
import { writeXml, type XmlOutput } from "../xml/writer.ts";
import { assignAddresses, type Expressness } from "./addresses.ts";
import { allDevices, assignAliases, isUserAlias } from "./aliases.ts";
import { type DefaultOptions, fillDefaults } from "./defaults.ts";
import { type Domain, domain as domainSchema } from "./domain.ts";
import { validateDomain } from "./validate.ts";

/** What reading a domain depends on beyond its text. */
export interface ParseOptions extends DefaultOptions {
  /** Name of the file, for error messages. */
  readonly file?: string;
  /** Whether a host device is PCI Express; without it all are taken for it. */
  readonly expressness?: Expressness;
}

/**
 * Reads libvirt's domain XML: everything that the text says, with libvirt's defaults, addresses and aliases.
 *
 * @throws {HostdevError} `HD_XML_SYNTAX` or `HD_XML_LIMIT` for what is not XML; `HD_DOMAIN_INVALID` for what cannot be;
 * `HD_DOMAIN_UNSUPPORTED` for what we do not have. Each names the element and its line.
 */
export function parseDomain(text: string, options: ParseOptions = {}): Domain {
  return completeDomain(readDomain(text, options), options);
}

/**
 * Gives a domain what its text does not say, in place: defaults, addresses, aliases. Refuses what cannot be.
 *
 * @throws {HostdevError} `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED`.
 */
export function completeDomain(domain: Domain, options: ParseOptions = {}): Domain {
  placeDevices(domain, options);
  assignAliases(domain);
  for (const { source } of domain.devices.disks) if (source !== undefined) delete source.index; // of an earlier run
  return domain;
}

/** The same without the aliases: for a domain that runs, whose devices QEMU knows by those that they have. */
export function placeDevices(domain: Domain, options: ParseOptions = {}): void {
  fillDefaults(domain, options);
  validateDomain(domain);
  assignAddresses(domain, options.expressness);
}

/** Reads what the text says, and nothing more. */
export function readDomain(text: string, options: { readonly file?: string } = {}): Domain {
  const root = readXml(text, options.file === undefined ? {} : { file: options.file });
  if (root.name !== "domain") {
    throw invalid({ path: root.name, position: root.position }, `the root element is <${root.name}>, not <domain>`);
  }
  return domainSchema.read(root, "");
}

/**
 * Writes a domain as libvirt does.
 *
 * @param view `inactive` leaves out what only a running domain has: the id, and aliases that nobody chose.
 */
export function formatDomain(domain: Domain, view: "inactive" | "live" = "inactive"): string {
  if (view === "live") return writeXml(withNamespace(domain, domainSchema.write(domain, "domain")));
  const hidden = allDevices(domain).filter((device) => !isUserAlias(device.alias));
  const aliases = hidden.map((device) => device.alias);
  for (const device of hidden) delete device.alias;
  try {
    const { id: _, ...rest } = domain;
    return writeXml(withNamespace(domain, domainSchema.write(rest, "domain")));
  } finally {
    for (const [index, device] of hidden.entries()) {
      const alias = aliases[index];
      if (alias !== undefined) device.alias = alias;
    }
  }
}

function withNamespace(domain: Domain, output: XmlOutput): XmlOutput {
  const used = domain.qemuCommandline ?? domain.qemuOverride ?? domain.qemuDeprecation;
  if (used === undefined) return output;
  return {
    ...output,
    attributes: [...output.attributes, ["xmlns:qemu", "http://libvirt.org/schemas/domain/qemu/1.0"]],
  };
}
