// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../core/host.ts";
import { Reader } from "./reader.ts";
import { readRemoteSession } from "./remote-session.ts";

const connection = "203.0.113.9 50000 192.0.2.2 22";

/** We are process 30, child of sudo 20, child of a login shell 10, child of sshd 5. */
function readerFor(uid: number, shell: string): Reader {
  const files: Record<string, string> = {
    "/proc/30/environ": "HOME=/root\0",
    "/proc/30/stat": "30 (a ) b) S 20 30 30",
    "/proc/20/stat": "20 (sudo) S 10 20 20",
    "/proc/10/environ": shell,
    "/proc/10/stat": "10 (bash) S 5 10 10",
  };
  const self = { uid, gid: uid, groups: [uid], pid: 30 };
  const host = { self, environment: () => undefined, readText: (path: string) => files[path] };
  return new Reader(host as unknown as Host);
}

test("readRemoteSession() finds the SSH connection of a parent when sudo has hidden it", () => {
  const reader = readerFor(0, `TERM=xterm\0SSH_CONNECTION=${connection}\0`);
  assert.deepEqual(readRemoteSession(reader), { client: "203.0.113.9", server: "192.0.2.2" });
});

test("readRemoteSession() gives nothing for a local login, or to a user whose environment has none", () => {
  assert.equal(readRemoteSession(readerFor(0, "TERM=linux\0")), undefined);
  assert.equal(readRemoteSession(readerFor(1000, `SSH_CONNECTION=${connection}\0`)), undefined);
});
