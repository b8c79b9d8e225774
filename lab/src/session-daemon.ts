// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { alex } from "./alex.ts";
import type { RunningCommand } from "./channel/command.ts";
import type { Lab } from "./lab.ts";
import { repositoryDirectory } from "./lab-directory.ts";

/** The user unit of hostdev's daemon, and of its socket with another ending. */
export const sessionDaemonUnit = "hostdev-sessiond";

/**
 * Makes hostdev's daemon alex's `qemu:///session`: its units installed as a package does it, and its socket enabled with
 * the command that `hostdev setup` tells. The daemon itself comes with the first client.
 *
 * Touches: /usr in the lab, and alex's home; nothing that a snapshot has.
 *
 * @param idle after which time without VMs and clients it ends, such as `5s`. Default: its own.
 * @returns alex's login, which keeps his daemons and VMs from being ended; kill it when he logs out.
 * @throws {AssertionError} or LabError, telling what a command said.
 */
export async function installSessionDaemon(lab: Lab, { idle = "" } = {}): Promise<RunningCommand> {
  await cp(join(repositoryDirectory, "packaging/systemd/user"), join(lab.exchangeDirectory, "user"), {
    recursive: true,
  });
  const install = `install -m 0644 -D -t /usr/lib/systemd/user /opt/lab/exchange/user/*
    ln -s /opt/hostdev/hostdev-sessiond.js /usr/bin/hostdev-sessiond`;
  await lab.root(install, { check: true });
  const login = lab.spawn("alex", "exec sleep infinity", { login: true });
  const told = await alex(lab, "hostdev setup");
  const enable = /make it: (systemctl --user enable --now hostdev-sessiond\.socket)/.exec(told)?.[1];
  assert.ok(enable !== undefined, told);
  if (idle !== "") {
    const soon = `[Service]\\nExecStart=\\nExecStart=/usr/bin/hostdev-sessiond --idle ${idle}\\n`;
    const dropIn = `.config/systemd/user/${sessionDaemonUnit}.service.d`;
    await alex(lab, `mkdir -p ${dropIn}; printf '${soon}' > ${dropIn}/idle.conf; systemctl --user daemon-reload`);
  }
  await alex(lab, enable);
  return login;
}
