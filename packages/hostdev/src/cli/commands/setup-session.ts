// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import type { Command } from "commander";
import { HostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { defaultSocketPath } from "../../session/daemon-socket.ts";
import type { Context } from "../context.ts";

interface SetupOptions {
  readonly defaultUri?: true;
}

const sessionUri = "qemu:///session";
const unit = "hostdev-sessiond.socket";

const examples = `
libvirt's own session daemon is not touched: it stays at qemu:///session?mode=legacy.

Examples:
  hostdev setup                     how it stands, and what to do
  hostdev setup --default-uri       then \`virsh list\` is enough, without -c`;

/** `hostdev setup`. */
export function setupSessionVerb(program: Command, context: Context): void {
  program
    .command("setup")
    .summary("make libvirt's clients find your VMs")
    .description(
      "Tells how virsh, virt-manager and other clients of libvirt reach your VMs as qemu:///session, and what is still to " +
        "be done for it. Changes nothing unless asked to.",
    )
    .option("--default-uri", "make qemu:///session the connection that your clients take when none is named")
    .addHelpText("after", examples)
    .action((options: SetupOptions) => run(context, options));
}

function run({ host, output }: Context, { defaultUri }: SetupOptions): void {
  const socket = defaultSocketPath(host);
  if (defaultUri) output.print(setDefaultUri(host));
  const units = ["/etc/systemd/user", "/usr/lib/systemd/user", `${configFolder(host)}/systemd/user`];
  const isInstalled = units.some((folder) => host.status(`${folder}/${unit}`) !== undefined);
  const isThere = host.status(socket) !== undefined;
  const lines = [
    `socket        ${socket}${isThere ? "" : " (not there)"}`,
    ...(isThere
      ? []
      : [`              make it: ${isInstalled ? `systemctl --user enable --now ${unit}` : "hostdev-sessiond"}`]),
    `default URI   ${readDefaultUri(host) ?? "none; set it: hostdev setup --default-uri"}`,
  ];
  output.print(lines.map((line) => `${line}\n`).join(""));
}

/**
 * Writes `uri_default` into the caller's `libvirt.conf`, behind what is there.
 *
 * @throws {HostdevError} `HD_STATE_CONFLICT` when another connection is set there; nothing has changed then.
 */
function setDefaultUri(host: Host): string {
  const named = configPath(host);
  const path = host.realPath(named) ?? named; // it may be a link into a folder of configurations
  const found = readDefaultUri(host);
  if (found === sessionUri) return `${path} says so already.\n`;
  if (found !== undefined) {
    const details = { what: `uri_default in ${path}`, from: "none", to: sessionUri, found };
    throw new HostdevError("HD_STATE_CONFLICT", `Cannot make ${sessionUri} the default: ${path} has ${found}`, details);
  }
  const old = host.readText(path) ?? "";
  const separator = old === "" || old.endsWith("\n") ? "" : "\n";
  host.makeDirectory(dirname(path), 0o700);
  host.writeFile(path, `${old}${separator}uri_default = "${sessionUri}"\n`, host.status(path)?.mode ?? 0o600);
  return `Wrote uri_default = "${sessionUri}" to ${path}.\n`;
}

function readDefaultUri(host: Host): string | undefined {
  return /^[ \t]*uri_default[ \t]*=[ \t]*["']?([^"'\n]*)/m.exec(host.readText(configPath(host)) ?? "")?.[1]?.trim();
}

function configPath(host: Host): string {
  return `${configFolder(host)}/libvirt/libvirt.conf`;
}

function configFolder(host: Host): string {
  return host.environment("XDG_CONFIG_HOME") || `${host.environment("HOME") ?? "/nonexistent"}/.config`;
}
