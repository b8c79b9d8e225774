// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory } from "./image/cache.ts";
import { labDirectory } from "./lab-directory.ts";
import { LabError } from "./lab-error.ts";
import { runProgram } from "./run-program.ts";

/**
 * The ROM of the small guest that proves DMA and interrupts, compiled when its sources have changed (about a second).
 *
 * Touches: the image cache.
 * Needs: gcc and binutils on the host.
 *
 * @throws {LabError} with the compiler's words when it can't be compiled.
 */
export async function ensurePayload(): Promise<string> {
  const source = join(labDirectory, "payload");
  const hash = createHash("sha256");
  for (const name of readdirSync(source).sort()) {
    if (/\.(c|h|S|ld|sh)$/.test(name)) hash.update(name).update(readFileSync(join(source, name)));
  }
  const directory = join(cacheDirectory(), "payload");
  const rom = join(directory, `${hash.digest("hex").slice(0, 16)}.rom`);
  if (existsSync(rom)) return rom;
  await mkdir(directory, { recursive: true });
  const building = `${rom}.${process.pid}`;
  const result = await runProgram("sh", [join(source, "build.sh"), building]);
  if (result.code !== 0) throw new LabError(`Cannot compile the lab's small guest: ${result.stderr.trim()}`);
  await rename(building, rom);
  return rom;
}
