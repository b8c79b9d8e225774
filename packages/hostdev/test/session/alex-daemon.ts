// SPDX-License-Identifier: Apache-2.0
import { runDaemon } from "../../src/session/daemon.ts";
import { openSession } from "../../src/session/open-session.ts";
import type { FakeMachine } from "../fake-host/fake-machine.ts";
import type { FakeHost } from "../fake-host/index.ts";
import { type FakeQemu, installQemu } from "./fake-qemu.ts";

/** The daemon of user alex (1000), on a machine of the tests, with a QEMU that is there for it. */
export interface AlexDaemon {
  /** A program of alex's that finds the daemon. */
  readonly host: FakeHost;
  readonly started: readonly FakeQemu[];
  readonly stop: () => Promise<void>;
}

const socket = "/run/user/1000/libvirt/virtqemud-sock";

/** Gives alex his folders, and starts his daemon. */
export async function startAlexDaemon(machine: FakeMachine): Promise<AlexDaemon> {
  const root = machine.open();
  for (const path of ["/home/alex", "/run/user/1000"]) {
    root.makeDirectory(path, 0o755);
    root.setOwnership(path, { uid: 1000, gid: 1000, mode: 0o700 });
  }
  const started = installQemu(machine);
  const environment = { HOME: "/home/alex", XDG_RUNTIME_DIR: "/run/user/1000" };
  const host = machine.open("alex", { environment, comm: "hostdev-sessiond" });
  const session = await openSession(host);
  const ending = new AbortController();
  const options = { socket: { path: socket }, idleMs: undefined, signal: ending.signal, log: () => {} };
  const daemon = runDaemon(host, session, options);
  while (root.status(socket) === undefined) await new Promise((resolve) => setTimeout(resolve, 1));
  return {
    host: machine.open("alex", { environment }),
    started,
    stop: async () => {
      ending.abort("test");
      await daemon;
      await session.close();
    },
  };
}
