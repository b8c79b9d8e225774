// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import { type Finding, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { problem } from "./problem.ts";

/** What `hostdev-admin` runs. */
const commands = ["dd", "flock", "getent", "modprobe", "prlimit"];

/** Checks that the programs are installed which hostdev-admin leaves its work to. Touches: runs each with `--version`. */
export async function checkCommands(host: Host): Promise<readonly Finding[]> {
  const found = await Promise.all(
    commands.map(async (command) => ({ command, isThere: await isThere(host, command) })),
  );
  const missing = found.filter((each) => !each.isThere);
  if (missing.length === 0) return [ok(`All programs are there: ${commands.join(", ")}`)];
  return missing.map(({ command }) =>
    problem("failure", "HD_COMMAND_NOT_FOUND", `There is no ${command}`, { command }),
  );
}

async function isThere(host: Host, command: string): Promise<boolean> {
  try {
    await host.run(command, ["--version"]);
    return true;
  } catch (error) {
    if (isHostdevError(error, "HD_COMMAND_NOT_FOUND")) return false;
    throw error;
  }
}
