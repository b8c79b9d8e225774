// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from "node:path";
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { ownMark } from "../memlock/login-limits.ts";
import { leaseServicePath } from "./lease-units.ts";
import { putOwnFile, readOwnFile } from "./own-file.ts";
import type { Step } from "./step.ts";
import { isSystemdRunning } from "./systemd.ts";

/**
 * Puts a unit file or drop-in of ours in place, or takes it away, and tells systemd: a drop-in is in force from the
 * unit's next start, a timer at once.
 *
 * Touches: the file, its folder when that is a drop-in folder; `systemctl`. Needs: root.
 * After a failure: calling it again goes on; where the file is as wanted already, systemd may not know yet.
 * @returns `false`, with nothing touched, for a file that is not ours.
 * @throws {HostdevError} `HD_FILE`, `HD_COMMAND_FAILED`.
 */
export async function applyUnit(host: Host, { path, from, to }: Step & { kind: "unit" }): Promise<boolean> {
  const now = readOwnFile(host, path);
  const isOurs = now === null || now === from || now === to || now.startsWith(ownMark);
  if (!isOurs) return false;
  const isTimer = path.endsWith(".timer");
  const systemd = isSystemdRunning(host);
  if (systemd && isTimer && to === null) await host.run("systemctl", ["stop", basename(path)]); // it may not run
  putOwnFile(host, path, to);
  // A drop-in's folder, unless others have files in it.
  if (to === null && path.endsWith(".d/hostdev.conf")) host.removeDirectory(dirname(path));
  if (!systemd || path === leaseServicePath) return true; // a plan with the service has further units, later
  if (now !== to || (await needsReload(host, path))) await systemctl(host, ["daemon-reload"]);
  // Not waited for: at boot a timer waits for the clock, that for the network, and the network for us.
  if (isTimer && to !== null) await systemctl(host, ["--no-block", "restart", basename(path)]);
  return true;
}

/** A kill may have come between the change of the file and the reload. */
async function needsReload(host: Host, path: string): Promise<boolean> {
  const unit = /\/([^/]+)\.d\/[^/]+$/.exec(path)?.[1] ?? basename(path);
  const { stdout } = await host.run("systemctl", ["show", "--property=NeedDaemonReload", "--value", unit]);
  return stdout.trim() === "yes";
}

async function systemctl(host: Host, args: readonly string[]): Promise<void> {
  const { status, stderr } = await host.run("systemctl", args, { timeoutMs: 60_000 });
  if (status === 0) return;
  const message = `systemctl ${args.join(" ")} failed: ${stderr.trim()}`;
  throw new HostdevError("HD_COMMAND_FAILED", message, { command: "systemctl", status, stderr: stderr.trim() });
}
