// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isHostdevError } from "./errors.ts";
import { realHost } from "./real-host.ts";

const folder = mkdtempSync(join(tmpdir(), "hostdev-test-"));
after(() => rmSync(folder, { recursive: true }));
const host = realHost();
const at = (name: string) => join(folder, name);
const hasErrno = (errno: string) => (error: unknown) =>
  (isHostdevError(error, "HD_FILE") || isHostdevError(error, "HD_KERNEL_WRITE")) && error.details.errno === errno;

test("readText() and its kin give undefined for what is not there, and throw for the rest", () => {
  assert.equal(host.readText(at("none")), undefined);
  assert.equal(host.list(at("none")), undefined);
  assert.equal(host.status(at("none")), undefined);
  assert.equal(host.realPath(at("none")), undefined);
  assert.equal(host.readBytes(at("none"), 4), undefined);
  assert.throws(() => host.readText(folder), hasErrno("EISDIR"));
});

test("readLink() gives the target as written, and undefined for a file", () => {
  writeFileSync(at("plain"), "");
  symlinkSync("../x", at("link"));
  assert.equal(host.readLink(at("link")), "../x");
  assert.equal(host.readLink(at("plain")), undefined);
});

test("readBytes() stops at the length asked for", () => {
  writeFileSync(at("bytes"), "abcdef");
  assert.equal(Buffer.from(host.readBytes(at("bytes"), 3) ?? []).toString(), "abc");
  assert.equal(host.readBytes(at("bytes"), 100)?.length, 6);
});

test("writeFile() puts the file in place with its mode under any umask, and leaves nothing beside it", () => {
  const umask = process.umask(0o077);
  host.writeFile(at("new"), "text", 0o644);
  process.umask(umask);
  assert.equal(readFileSync(at("new"), "utf8"), "text");
  assert.equal(statSync(at("new")).mode & 0o777, 0o644);
  assert.equal(
    host.list(folder)?.some((name) => name.endsWith(".new")),
    false,
  );
});

test("no umask makes a file or directory more open or more closed than it was meant to be", () => {
  for (const mask of [0o000, 0o022, 0o077, 0o777]) {
    const umask = process.umask(mask);
    try {
      host.writeFile(at(`written-${mask}`), "", 0o644);
      host.appendFile(at(`appended-${mask}`), "", 0o640);
      host.appendFile(at(`appended-${mask}`), "again", 0o640);
      host.makeDirectory(at(`made-${mask}/inner`), 0o755);
    } finally {
      process.umask(umask);
    }
    const modes = ["written", "appended", "made"].map((name) => statSync(at(`${name}-${mask}`)).mode & 0o777);
    assert.deepEqual([...modes, statSync(at(`made-${mask}/inner`)).mode & 0o777], [0o644, 0o640, 0o755, 0o755]);
  }
});

test("writeFile() takes nothing over that lies where it prepares the file", () => {
  writeFileSync(at("target"), "safe");
  symlinkSync(at("target"), at(".prepared.new"));
  host.writeFile(at("prepared"), "mine", 0o644);
  assert.equal(readFileSync(at("target"), "utf8"), "safe");
  assert.deepEqual([host.status(at("prepared"))?.kind, host.status(at(".prepared.new"))], ["file", undefined]);
});

test("writeFile() replaces a symbolic link instead of following it", () => {
  writeFileSync(at("victim"), "safe");
  symlinkSync(at("victim"), at("trap"));
  host.writeFile(at("trap"), "mine", 0o644);
  assert.equal(readFileSync(at("victim"), "utf8"), "safe");
  assert.equal(host.status(at("trap"))?.kind, "file");
});

test("appendFile() appends, and does not follow a symbolic link", () => {
  host.appendFile(at("log"), "a\n", 0o600);
  host.appendFile(at("log"), "b\n", 0o600);
  assert.equal(readFileSync(at("log"), "utf8"), "a\nb\n");
  symlinkSync(at("victim"), at("log-trap"));
  assert.throws(() => host.appendFile(at("log-trap"), "x", 0o600), hasErrno("ELOOP"));
});

test("removeFile() removes the file and what a killed writeFile() left; absent is fine", () => {
  writeFileSync(at("gone"), "");
  writeFileSync(at(".gone.new"), "");
  host.removeFile(at("gone"));
  host.removeFile(at("gone"));
  assert.equal(existsSync(at("gone")) || existsSync(at(".gone.new")), false);
});

test("makeDirectory() makes parents with the mode, and removeDirectory() leaves what is not empty", () => {
  const umask = process.umask(0o077);
  host.makeDirectory(at("a/b"), 0o755);
  process.umask(umask);
  assert.equal(statSync(at("a")).mode & 0o777, 0o755);
  host.removeDirectory(at("a"));
  assert.equal(existsSync(at("a/b")), true);
  host.removeDirectory(at("a/b"));
  host.removeDirectory(at("a"));
  assert.equal(existsSync(at("a")), false);
});

test("setOwnership() sets the mode, and refuses a symbolic link", () => {
  writeFileSync(at("node"), "");
  const { uid, gid } = host.self;
  host.setOwnership(at("node"), { uid, gid, mode: 0o640 });
  assert.equal(statSync(at("node")).mode & 0o777, 0o640);
  assert.throws(() => host.setOwnership(at("trap-2"), { uid, gid, mode: 0o600 }), hasErrno("ENOENT"));
  symlinkSync(at("node"), at("trap-3"));
  assert.throws(() => host.setOwnership(at("trap-3"), { uid, gid, mode: 0o600 }), hasErrno("ELOOP"));
  assert.equal(statSync(at("node")).mode & 0o777, 0o640);
});

test("setOwnership() does not open the device: what cannot be opened changes its owner all the same", () => {
  assert.equal(spawnSync("mkfifo", [at("fifo")]).status, 0); // an open for writing would fail, for reading wait
  host.setOwnership(at("fifo"), { uid: host.self.uid, gid: host.self.gid, mode: 0o600 });
  assert.equal(statSync(at("fifo")).mode & 0o777, 0o600);
});

test("canAccess() and tryOpen() tell what this process may do", () => {
  writeFileSync(at("open"), "");
  assert.equal(host.canAccess(at("open"), "read-write"), true);
  assert.equal(host.canAccess(at("none"), "read"), false);
  assert.equal(host.tryOpen(at("open")), undefined);
  assert.equal(host.tryOpen(at("none")), "ENOENT");
});

test("writeKernel() writes the value in one piece, and never makes a file", async () => {
  writeFileSync(at("control"), "");
  await host.writeKernel(at("control"), "vfio-pci");
  assert.equal(readFileSync(at("control"), "utf8"), "vfio-pci");
  await assert.rejects(host.writeKernel(at("missing"), "x"), hasErrno("ENOENT"));
  assert.equal(existsSync(at("missing")), false);
  mkdirSync(at("folder"));
  await assert.rejects(host.writeKernel(at("folder"), "x"), hasErrno("EISDIR"));
});

test("writeKernel() gives up on a write that does not return, and names the child", async () => {
  assert.equal(spawnSync("mkfifo", [at("pipe")]).status, 0); // nobody reads: the open waits, as a held unbind does
  await assert.rejects(
    host.writeKernel(at("pipe"), "x", 200),
    (error) => isHostdevError(error, "HD_KERNEL_WRITE_HANGS") && error.details.pid > 0,
  );
});

test("run() gives status and both outputs, in the C locale, without a shell", async () => {
  const result = await host.run("sh", ["-c", 'echo "$1 $LC_ALL"; echo err >&2; exit 3', "sh", "a;b"]);
  assert.deepEqual(result, { status: 3, signal: null, stdout: "a;b C\n", stderr: "err\n" });
  assert.equal((await host.run("cat", [], { input: "in" })).stdout, "in");
});

test("run() names a command that is not there, and ends one that takes too long", async () => {
  await assert.rejects(host.run("no-such-command", []), (error) => isHostdevError(error, "HD_COMMAND_NOT_FOUND"));
  await assert.rejects(host.run("sleep", ["30"], { timeoutMs: 100 }), (error) => isHostdevError(error, "HD_TIMEOUT"));
});

test("spawn() and kill() run and end a program", async () => {
  const program = await host.spawn("sleep", ["30"]);
  assert.equal(host.kill(program.pid, "SIGTERM"), true);
  assert.deepEqual(await program.ended, { status: null, signal: "SIGTERM" });
  assert.equal(host.kill(program.pid, "SIGTERM"), false);
  await assert.rejects(host.spawn("no-such-command", []), (error) => isHostdevError(error, "HD_COMMAND_NOT_FOUND"));
});

test("lock() lets one in at a time, says who is in, and lets the next one in at once after the release", async () => {
  for (let round = 0; round < 3; round++) {
    const release = await host.lock(at("lock"));
    await assert.rejects(
      host.lock(at("lock")),
      (error) => isHostdevError(error, "HD_LOCKED") && error.details.pid === process.pid,
    );
    await release();
  }
});

test("lock() takes the system's own flock, whatever the caller's PATH says", async () => {
  const path = process.env["PATH"];
  writeFileSync(at("flock"), "#!/bin/sh\nexit 75\n", { mode: 0o755 });
  process.env["PATH"] = folder;
  try {
    await (await host.lock(at("lock")))();
  } finally {
    process.env["PATH"] = path;
  }
});

test("connect() gives undefined where nobody listens", async () => {
  assert.equal(await host.connect(at("nobody.sock")), undefined);
  const server = createServer().listen(at("some.sock"));
  const stream = await host.connect(at("some.sock"));
  assert.notEqual(stream, undefined);
  stream?.destroy();
  server.close();
});

test("listen() makes a socket for this user alone, serves it, and removes it", async () => {
  const path = at("listening");
  const umask = process.umask(0);
  const listener = await host.listen({ path }, (line) => line.end("hello"));
  assert.equal(process.umask(umask), 0);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await assert.rejects(
    host.listen({ path }, () => {}),
    hasErrno("EADDRINUSE"),
  );
  const line = await host.connect(path);
  let text = "";
  for await (const chunk of line ?? []) text += String(chunk);
  assert.equal(text, "hello");
  line?.destroy();
  await listener.close();
  assert.equal(existsSync(path), false);
});
