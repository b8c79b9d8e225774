// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { nvramFile } from "../qemu/arguments.ts";
import { launchEnvironment } from "./plan-launch.ts";

/**
 * Makes what has to be there before QEMU starts: the file for the firmware's variables, from its template.
 *
 * @param reset makes it anew.
 * @throws {HostdevError} `HD_COMMAND_FAILED`, `HD_FILE`.
 */
export async function prepareLaunch(host: Host, domain: Domain, directory: string, reset = false): Promise<void> {
  if (domain.os.firmware === undefined && domain.os.loader?.type !== "pflash") return;
  const file = nvramFile(domain, await launchEnvironment(host, domain, directory));
  if (file?.template === undefined || (!reset && host.status(file.path) !== undefined)) return;
  host.makeDirectory(dirname(file.path), 0o700);
  const partial = `${file.path}.new`;
  for (const [command, ...args] of [
    ["cp", "--", file.template, partial],
    ["chmod", "0600", partial],
    ["mv", "-f", "--", partial, file.path],
  ] as const) {
    const { status, stderr } = await host.run(command, args);
    if (status === 0) continue;
    const message = `Cannot make the firmware's variables ${file.path} from ${file.template}: ${stderr.trim()}`;
    throw new HostdevError("HD_COMMAND_FAILED", message, { command, status, stderr: stderr.trim() });
  }
}
