// SPDX-License-Identifier: Apache-2.0
import { type Finding, note } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readProc } from "../core/processes.ts";
import { readAttribute } from "../pci/sysfs.ts";

/**
 * Tells when this runs in a container, which sees and may only what its maker let in: findings then are of the
 * container, not of the machine.
 *
 * Touches: reads the marks that systemd, Docker and Podman leave. Needs: nothing; root sees those of others.
 */
export function checkLinuxContainer(host: Host): readonly Finding[] {
  const kind = findContainer(host);
  return kind === undefined ? [] : [note(`This is inside a container (${kind}): it sees only what was let in`)];
}

function findContainer(host: Host): string | undefined {
  const named = readAttribute(host, "/run/systemd/container");
  if (named !== undefined) return named;
  if (host.status("/.dockerenv") !== undefined) return "docker";
  if (host.status("/run/.containerenv") !== undefined) return "podman";
  return /(?:^|\0)container=([^\0]+)/.exec(readProc(host, 1, "environ") ?? "")?.[1];
}
