// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Finding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { assertRunnable } from "./assert-runnable.ts";
import { vmNeeds } from "./plan-launch.ts";
import { preflight } from "./preflight.ts";

/**
 * Makes sure that a domain will start, before anything of it is.
 *
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED`; `HD_PREFLIGHT_FAILED`, which tells all that was found.
 */
export async function assertStartable(
  host: Host,
  domain: Domain,
  { skipChecks = false }: { readonly skipChecks?: boolean } = {},
): Promise<void> {
  assertRunnable(domain);
  if (skipChecks) return;
  const failures = (await preflight(host, vmNeeds(domain))).filter(({ level }) => level === "failure");
  if (failures.length > 0) throw preflightFailed(domain.name, failures);
}

function preflightFailed(domain: string, failures: readonly Finding[]): HostdevError<"HD_PREFLIGHT_FAILED"> {
  const message = `Cannot start domain "${domain}": ${failures.map(({ text }) => text).join("; ")}`;
  const fixes = [...new Set(failures.flatMap(({ fix }) => fix ?? []))];
  return new HostdevError("HD_PREFLIGHT_FAILED", message, { domain, findings: failures.length, fixes });
}
