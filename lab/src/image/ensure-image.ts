// SPDX-License-Identifier: Apache-2.0

import { existsSync } from "node:fs";
import { readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { ensurePrerequisites } from "../prerequisites.ts";
import { buildImage } from "./build-image.ts";
import { cacheDirectory, pruneCache, withCacheLock } from "./cache.ts";
import { type Image, imageIn } from "./image.ts";
import { recipeHash } from "./recipe.ts";

/**
 * The image of the current recipe, from the cache, or built now (about a minute, ~300 MB of downloads).
 *
 * Touches: the cache directory; when it must build, the host's packages as {@link ensurePrerequisites} says, and the network.
 * After a failure: the cache is as before.
 *
 * @param report is told what happens, a line at a time.
 * @throws {LabError} when a program is missing or the build fails.
 */
export async function ensureImage(report: (line: string) => void): Promise<Image> {
  const cache = cacheDirectory();
  const name = recipeHash();
  const directory = join(cache, name);
  if (!isBuilt(directory)) {
    await ensurePrerequisites(report);
    const onWait = () => report("another process builds the lab's image; waiting for it");
    await withCacheLock(cache, onWait, async () => {
      if (isBuilt(directory)) return;
      await pruneCache(cache, name);
      await buildImage(directory, report);
    });
  }
  const now = new Date();
  await utimes(directory, now, now).catch(() => {
    // Someone else's cache, read-only for us: its age is their business.
  });
  return imageIn(directory, (await readFile(join(directory, "kernel-release"), "utf8")).trim());
}

function isBuilt(directory: string): boolean {
  return existsSync(join(directory, "kernel-release"));
}
