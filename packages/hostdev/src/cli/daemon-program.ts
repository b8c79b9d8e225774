// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { parseDuration } from "../core/units.ts";
import { defaultSocketPath, handedSocket } from "../session/daemon-socket.ts";
import { lockSession } from "../session/session-lock.ts";
import type { Context } from "./context.ts";
import type { ProgramDescription } from "./run-program.ts";
import { untilSignal } from "./until-signal.ts";

interface DaemonOptions {
  readonly socket?: string;
  readonly idle: string;
}

/** `hostdev-sessiond`: the user's daemon, for libvirt's clients. */
export const daemonProgram: ProgramDescription = {
  name: "hostdev-sessiond",
  summary:
    "Serves your virtual machines to virsh, virt-manager and all other clients of libvirt, as qemu:///session. Ends when " +
    "there is no client and no running VM; running VMs go on without it.",
  examples: [
    "  systemctl --user enable --now hostdev-sessiond.socket    start it when a client comes",
    "  hostdev-sessiond                                         without systemd, in the foreground",
    "  virsh -c qemu:///session list --all                      a client",
    "  virsh -c 'qemu:///session?mode=legacy' list --all        libvirt's own daemon, beside it",
  ].join("\n"),
  main: (program, context) => {
    program
      .option("--socket <path>", "listen here, instead of where clients of qemu:///session look")
      .option("--idle <time>", "end after so long without client and VM, such as 30s, 10m; or never", "2m")
      .action((options: DaemonOptions) => serve(program, context, options));
  },
  verbs: {},
};

async function serve(program: Command, { host, output }: Context, options: DaemonOptions): Promise<void> {
  const idleMs = options.idle === "never" ? undefined : parseDuration(options.idle, "--idle");
  const given = options.socket === undefined ? undefined : { path: options.socket };
  const socket = given ?? handedSocket(host) ?? { path: defaultSocketPath(host) };
  const log = (text: string) => output.warn(`${program.name()}: ${text}\n`);
  await untilSignal(async (signal) => {
    // A child makes the lock; the rest is loaded meanwhile.
    const [unlock, { runDaemon }, { openSession }] = await Promise.all([
      lockSession(host),
      import("../session/daemon.ts"),
      import("../session/open-session.ts"),
    ]);
    const session = await openSession(host, unlock);
    try {
      await runDaemon(host, session, { socket, idleMs, signal, log });
    } finally {
      await session.close();
    }
  });
}
