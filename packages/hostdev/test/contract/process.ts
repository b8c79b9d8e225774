// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import type { Host } from "../../src/core/host.ts";
import type { KernelSubject } from "./kernel-subject.ts";

/** Limits and processes as proc and prlimit(1) have them; changes only the limits of this very process, and back. */
export function processContract(get: () => Promise<KernelSubject>): void {
  test("/proc/self is this process, with its ids and a start time", async () => {
    const { host } = await get();
    const { pid, uid } = host.self;
    assert.equal(host.readLink("/proc/self"), String(pid));
    const stat = host.readText(`/proc/${pid}/stat`) ?? "";
    assert.match(stat.slice(stat.lastIndexOf(")")), /^\) [RS](?: -?\d+){49,}\n$/);
    assert.match(host.readText(`/proc/${pid}/status`) ?? "", new RegExp(`^Uid:\\t${uid}\\t`, "m"));
    assert.ok(host.list("/proc")?.includes(String(pid)));
  });

  test("descriptors of others are hidden from an ordinary user, their limits are not", async () => {
    const { host, user } = await get();
    assert.throws(() => user.list(`/proc/${host.self.pid}/fd`), isRefused);
    assert.match(user.readText(`/proc/${host.self.pid}/limits`) ?? "", /^Max locked memory/m);
    assert.ok((host.list(`/proc/${host.self.pid}/fd`) ?? []).length >= 3);
  });

  test("prlimit sets soft and hard, and proc shows them", async () => {
    const { host } = await get();
    const before = memlockOf(host);
    try {
      assert.equal((await setMemlock(host, "65536:131072")).status, 0);
      assert.deepEqual(memlockOf(host), ["65536", "131072"]);
      assert.equal((await setMemlock(host, "131072:")).status, 0);
      assert.deepEqual(memlockOf(host), ["131072", "131072"]);
    } finally {
      await setMemlock(host, before.join(":"));
    }
    assert.deepEqual(memlockOf(host), before);
  });

  test("prlimit refuses an ordinary user another's process, and a soft limit above the hard", async () => {
    const { host, user } = await get();
    const others = await user.run("prlimit", ["--pid", String(host.self.pid), "--memlock=65536:65536"]);
    assert.equal(others.status, 1);
    assert.match(others.stderr, /Operation not permitted/);
    assert.equal((await setMemlock(host, "131072:65536")).status, 1);
  });

  test("prlimit says when there is no such process", async () => {
    const { host } = await get();
    const result = await host.run("prlimit", ["--pid", "4194300", "--memlock=65536:65536"]);
    assert.equal(result.status, 1);
    assert.match(result.stderr, /No such process/);
  });
}

function setMemlock(host: Host, limits: string) {
  return host.run("prlimit", ["--pid", String(host.self.pid), `--memlock=${limits}`]);
}

function memlockOf(host: Host): string[] {
  const row = /^Max locked memory\s+(\S+)\s+(\S+)/m.exec(host.readText(`/proc/${host.self.pid}/limits`) ?? "");
  return row === null ? [] : row.slice(1);
}

function isRefused(error: unknown): boolean {
  return isHostdevError(error, "HD_FILE") && error.details.errno === "EACCES";
}
