// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { GiB, MiB } from "../core/units.ts";
import { checkMemlock } from "./memlock.ts";
import { checkSessionSocket, parseListeners } from "./session-socket.ts";

test("checkMemlock() tells what VM the limit is enough for", () => {
  const host = labMachine().build().open("alex");
  const check = (soft: number, hard: number) => {
    Object.assign(host.process.memlock, { soft, hard });
    return checkMemlock(host)[0];
  };
  assert.equal(check(8 * MiB, 8 * MiB)?.level, "note");
  assert.match(check(8 * MiB, 8 * MiB)?.fix ?? "", /hostdev-admin grant/);
  assert.match(
    check(8 * MiB, 258 * MiB)?.text ?? "",
    /^memlock: 8 MiB soft, 258 MiB hard: .* 256 MiB \(under libvirt, none\)/,
  );
  assert.match(check(2 * GiB, 2 * GiB)?.text ?? "", /\(under libvirt, one of 1 GiB\)$/);
  assert.match(check(8 * MiB, Number.POSITIVE_INFINITY)?.text ?? "", /any size/);
});

const row = (flags: string, inode: number, path: string) =>
  `0000000000000000: 00000002 00000000 ${flags} 0001 01 ${inode} ${path}\n`;
const socket = "/run/user/1000/libvirt/libvirt-sock";

function session(unix: string) {
  const machine = labMachine()
    .file("/proc/net/unix", `Num RefCount Protocol Flags Type St Inode Path\n${unix}`)
    .build();
  machine.fs.add(socket, { kind: "socket", mode: 0o700, uid: 1000, gid: 1000 });
  return { machine, host: machine.open("alex", { environment: { XDG_RUNTIME_DIR: "/run/user/1000" } }) };
}

test("checkSessionSocket() names who serves the session", () => {
  const { machine, host } = session(row("00010000", 77, socket));
  const daemon = machine.process({ user: "alex", comm: "libvirtd" });
  daemon.open("socket:[77]");
  assert.equal(checkSessionSocket(host)[0]?.text, `${socket} is served by process ${daemon.pid} (libvirtd)`);
});

test("checkSessionSocket() finds a socket that nobody listens on", () => {
  const { host } = session(row("00000000", 77, socket));
  assert.equal(checkSessionSocket(host)[0]?.fix, `Remove it: rm ${socket}`);
});

test("checkSessionSocket() knows machines without a session", () => {
  assert.match(checkSessionSocket(labMachine().build().open("alex"))[0]?.text ?? "", /no login session/);
  const empty = labMachine()
    .build()
    .open("alex", { environment: { XDG_RUNTIME_DIR: "/run/user/1000" } });
  assert.equal(checkSessionSocket(empty)[0]?.level, "note");
  assert.deepEqual(checkSessionSocket(labMachine().open()), []);
});

test("parseListeners() takes listening sockets with paths only", () => {
  const text = `${row("00010000", 5, "/run/a b")}${row("00000000", 6, "/run/c")}${row("00010000", 7, "@abstract")}`;
  assert.deepEqual([...parseListeners(text)], [["/run/a b", "5"]]);
});
