// SPDX-License-Identifier: Apache-2.0

import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../lab-error.ts";
import { isAlive } from "../process-alive.ts";

const pruneAfterMs = 14 * 24 * 3600 * 1000;

/** Where images live: `HOSTDEV_LAB_CACHE`, else `$XDG_CACHE_HOME`, else `~/.cache`; always in a directory of ours below it. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const base = environment["HOSTDEV_LAB_CACHE"] || environment["XDG_CACHE_HOME"] || join(homedir(), ".cache");
  return join(base, "hostdev-lab");
}

/**
 * Runs `action` while no other process of this cache does: the first one builds, the others wait and find the result.
 *
 * The lock is a directory holding its owner's process id; one whose owner is gone is taken over.
 *
 * Touches: creates and removes `<cache>/lock`.
 */
export async function withCacheLock<T>(cache: string, onWait: () => void, action: () => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  const lock = join(cache, "lock");
  for (let waited = false; !(await takeLock(lock)); waited = true) {
    if (!waited) onWait();
    await sleep(500);
  }
  try {
    return await action();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    await writeFile(join(lock, String(process.pid)), "");
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      throw new LabError(`Cannot use the lab's cache: ${lock} can't be created`, { cause: error });
    }
  }
  const owners = await readdir(lock).catch(() => []);
  const age = await stat(lock).then(
    (facts) => Date.now() - facts.mtimeMs,
    () => 0,
  );
  // A lock without a name in it is being made right now, or its maker was killed in between.
  const abandoned = owners.length === 0 ? age > 5000 : owners.every((pid) => !isAlive(Number(pid)));
  if (abandoned) await rm(lock, { recursive: true, force: true });
  return false;
}

/**
 * Removes images of other recipes that nobody used for two weeks, and leftovers of builds that were killed.
 *
 * Needs: the cache's lock.
 */
export async function pruneCache(cache: string, keep: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (name === keep || name === "lock" || name === "payload") continue;
    const path = join(cache, name);
    const facts = await stat(path);
    if (name.startsWith("building-") || Date.now() - facts.mtimeMs > pruneAfterMs) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
