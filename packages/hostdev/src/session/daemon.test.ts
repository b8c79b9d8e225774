// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { isHostdevError } from "../core/errors.ts";
import { RpcClient } from "../rpc/client.ts";
import { runDaemon } from "./daemon.ts";
import { clearSocketPath, defaultSocketPath, handedSocket } from "./daemon-socket.ts";
import type { Session, SessionListener } from "./session-api.ts";

const path = "/run/user/1000/libvirt/virtqemud-sock";

function alex(environment: Readonly<Record<string, string>> = {}) {
  const machine = labMachine().build();
  machine.open(0).makeDirectory("/run/user", 0o755);
  machine.open(0).makeDirectory("/run/user/1000", 0o700);
  machine.open(0).setOwnership("/run/user/1000", { uid: 1000, gid: 1000, mode: 0o700 });
  return machine.open("alex", { environment });
}

function fakeSession() {
  const domains: { isActive: boolean }[] = [];
  const listeners = new Set<SessionListener>();
  const session = {
    list: () => domains,
    onEvent: (listener: SessionListener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    startMarked: async () => {},
    problems: [],
  } as unknown as Session;
  const tell = () => {
    for (const each of listeners) each({ name: "", uuid: "", id: -1 }, { kind: "reboot" });
  };
  return { session, domains, tell };
}

const hasErrno = (errno: string) => (error: unknown) =>
  isHostdevError(error, "HD_FILE") && error.details.errno === errno;
const quiet = { log: () => {}, socket: { path } };
const pause = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs));

test("the socket is where clients of qemu:///session look", () => {
  assert.equal(defaultSocketPath(alex({ XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/alex" })), path);
  assert.equal(defaultSocketPath(alex({ HOME: "/home/alex" })), "/home/alex/.cache/libvirt/virtqemud-sock");
  assert.equal(defaultSocketPath(alex({ XDG_CACHE_HOME: "/c", HOME: "/h" })), "/c/libvirt/virtqemud-sock");
  assert.throws(
    () => defaultSocketPath(labMachine().build().open(0)),
    (error) => isHostdevError(error, "HD_INVALID_ARGUMENT"),
  );
});

test("a socket of systemd's is taken only when it is meant for this process", () => {
  const host = alex();
  const pid = String(host.self.pid);
  assert.equal(handedSocket(host), undefined);
  const handed = (environment: Readonly<Record<string, string>>) => {
    const environmentOf = (name: string) => environment[name];
    return handedSocket({ ...host, self: host.self, environment: environmentOf } as unknown as typeof host);
  };
  assert.deepEqual(handed({ LISTEN_PID: pid, LISTEN_FDS: "1" }), { fd: 3 });
  assert.equal(handed({ LISTEN_PID: "1", LISTEN_FDS: "1" }), undefined);
});

test("a socket that nobody listens on is removed; anything else in the way is not", async () => {
  const host = alex();
  await clearSocketPath(host, path);
  assert.equal(host.status("/run/user/1000/libvirt")?.mode, 0o700);
  await host.listen({ path }, () => {});
  await assert.rejects(clearSocketPath(host, path), hasErrno("EADDRINUSE"));
  host.machine.processes.end(host.self.pid);
  const next = host.as("alex");
  await clearSocketPath(next, path);
  assert.equal(next.status(path), undefined);
  next.writeFile(path, "mine", 0o600);
  await assert.rejects(clearSocketPath(next, path), hasErrno("EEXIST"));
  assert.equal(next.readText(path), "mine");
  await assert.rejects(clearSocketPath(next, `/run/user/1000/${"x".repeat(100)}`), hasErrno("ENAMETOOLONG"));
});

test("the daemon serves clients, stays for a running VM, and ends when nobody needs it", async () => {
  const host = alex({ XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/alex" });
  const { session, domains, tell } = fakeSession();
  const never = new AbortController();
  let isOver = false;
  const daemon = runDaemon(host, session, { ...quiet, idleMs: 30, signal: never.signal }).then(() => {
    isOver = true;
  });
  await pause(5);
  const line = await host.connect(path);
  assert.ok(line);
  const client = await RpcClient.open(line, "qemu:///session");
  await pause(60);
  assert.equal((await client.call("connectGetUri", undefined)).uri, "qemu:///session");
  domains.push({ isActive: true });
  line.end();
  await pause(60);
  assert.equal(isOver, false);
  domains.pop();
  tell();
  await daemon;
  assert.equal(host.status(path), undefined);
});

test("a signal ends the daemon, and its clients with it", async () => {
  const host = alex({ XDG_RUNTIME_DIR: "/run/user/1000", HOME: "/home/alex" });
  const controller = new AbortController();
  const daemon = runDaemon(host, fakeSession().session, { ...quiet, idleMs: undefined, signal: controller.signal });
  await pause(5);
  const line = await host.connect(path);
  assert.ok(line);
  const client = await RpcClient.open(line, "");
  controller.abort("SIGTERM");
  await daemon;
  assert.equal(host.status(path), undefined);
  client.close();
});
