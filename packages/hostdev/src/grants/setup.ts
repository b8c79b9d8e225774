// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { requireRoot } from "../core/require-root.ts";
import { ownMark } from "../memlock/login-limits.ts";
import { bootFiles, restoreService } from "./boot-units.ts";
import { putOwnFile, readOwnFile } from "./own-file.ts";
import { findForeignProgram, foreignProgramError } from "./own-program.ts";
import { isSystemdRunning } from "./systemd.ts";

/** One act of a set-up: a file, or a command. */
export type SetupAct =
  | { readonly kind: "file"; readonly path: string; readonly text: string | null }
  | { readonly kind: "command"; readonly command: "systemctl" | "udevadm"; readonly args: readonly string[] };

/** Whether grants come back at boot. Needs: nothing. */
export function isSetUp(host: Host): boolean {
  return ["/etc", "/usr/lib", "/lib"].some(
    (folder) => host.status(`${folder}/systemd/system/${restoreService}`) !== undefined,
  );
}

/**
 * What `setup` would do: only what is not so already, and then the commands that let systemd and udev know.
 *
 * @throws {HostdevError} `HD_NEEDS_ROOT`, `HD_NO_SYSTEMD`; `HD_PROGRAM_WRITABLE`; `HD_STATE_CONFLICT` for a file that is not ours.
 */
export function planSetup(host: Host, isRemoval = false): readonly SetupAct[] {
  requireRoot(host, `hostdev-admin setup${isRemoval ? " --remove" : ""}`);
  if (!isSystemdRunning(host)) {
    throw new HostdevError("HD_NO_SYSTEMD", "Cannot set up units: systemd does not run this machine", {});
  }
  const foreign = isRemoval ? undefined : findForeignProgram(host);
  if (foreign !== undefined) throw foreignProgramError("Cannot set up units", foreign);
  const files = bootFiles(host.self.program).map(({ path, text }) => ({ path, text: isRemoval ? null : text }));
  for (const { path, text } of files) {
    const found = readOwnFile(host, path);
    if (found !== null && !found.startsWith(ownMark)) {
      const details = { what: path, from: "no file", to: text ?? "no file", found: "a file of somebody else" };
      throw new HostdevError("HD_STATE_CONFLICT", `Cannot replace ${path}: it is not hostdev's`, details);
    }
  }
  const enable: SetupAct = {
    kind: "command",
    command: "systemctl",
    args: [isRemoval ? "disable" : "enable", restoreService],
  };
  const hasPackage = isPackaged(host);
  if (hasPackage && !isRemoval) return [enable];
  return [
    ...(isRemoval && (hasPackage || readOwnFile(host, files[0]?.path ?? "") !== null) ? [enable] : []),
    ...files.map(({ path, text }) => ({ kind: "file", path, text }) as const),
    { kind: "command", command: "systemctl", args: ["daemon-reload"] },
    { kind: "command", command: "udevadm", args: ["control", "--reload"] },
    ...(isRemoval ? [] : [enable]),
  ];
}

/** Whether this program is a package's, whose units need only be enabled: see `packaging/`. */
function isPackaged(host: Host): boolean {
  const program = host.realPath(host.self.program.at(-1) ?? "");
  const hasUnit = host.status(`/usr/lib/systemd/system/${restoreService}`) !== undefined;
  return hasUnit && program !== undefined && program === host.realPath("/usr/bin/hostdev-admin");
}

/**
 * Installs, or removes, what restores grants at boot. Grants in force are left alone.
 *
 * Touches: the files of `bootFiles`, a link that `systemctl enable` makes. Needs: root.
 * After a failure: calling it again goes on. @throws {HostdevError} as `planSetup`; `HD_COMMAND_FAILED`.
 */
export async function setup(host: Host, isRemoval: boolean, onAct: (act: SetupAct) => void): Promise<void> {
  for (const act of planSetup(host, isRemoval)) {
    if (act.kind === "file") putOwnFile(host, act.path, act.text);
    else await runCommand(host, act.command, act.args);
    onAct(act);
  }
}

async function runCommand(host: Host, command: "systemctl" | "udevadm", args: readonly string[]): Promise<void> {
  const { status, stderr } =
    command === "systemctl" ? await host.run("systemctl", args) : await host.run("udevadm", args);
  if (status === 0) return;
  const message = `${command} ${args.join(" ")} failed: ${stderr.trim()}`;
  throw new HostdevError("HD_COMMAND_FAILED", message, { command, status, stderr: stderr.trim() });
}

/** An act in words. */
export function describeAct(act: SetupAct): string {
  if (act.kind === "command") return `${act.command} ${act.args.join(" ")}`;
  return act.text === null ? `remove ${act.path}` : `write ${act.path}`;
}
