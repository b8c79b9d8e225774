// SPDX-License-Identifier: Apache-2.0
import { parseDomain } from "../domain/parse.ts";
import { buildArguments } from "./arguments.ts";
import { parseQemuVersion } from "./capabilities.ts";
import { referenceEnvironment } from "./reference.ts";

/** The newest QEMU whose arguments we know, taken when no version is given. */
export const newestQemu = "10.0";

/**
 * The command line for a domain on a host with KVM, without looking at this host: `hostdev domxml-to-native`.
 *
 * @param options.qemuVersion such as `7.2`; the newest known when absent.
 * @returns one string for each argument, the emulator first.
 * @throws {HostdevError} as `parseDomain` and `buildArguments`.
 */
export function domainToNative(
  text: string,
  options: { readonly file?: string; readonly qemuVersion?: string } = {},
): string[] {
  const version = parseQemuVersion(options.qemuVersion ?? newestQemu);
  const domain = parseDomain(text, options.file === undefined ? {} : { file: options.file });
  return buildArguments(domain, referenceEnvironment(domain, version));
}
