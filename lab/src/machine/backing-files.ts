// SPDX-License-Identifier: Apache-2.0

import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../image/image.ts";
import { LabError } from "../lab-error.ts";
import { runProgram } from "../run-program.ts";
import type { DiskBackend } from "./device-args.ts";
import type { MachinePaths } from "./qemu-command.ts";

/**
 * Makes what a new machine writes to: a copy of the empty data disk, and the directory that it shares with the host.
 *
 * Touches: the machine's directory.
 *
 * @param payload the small guest's ROM, which appears as /opt/lab/guest.rom.
 */
export async function makeMachineFiles(image: Image, paths: MachinePaths, payload: string): Promise<void> {
  await copySparse(image.dataDisk, paths.dataDisk);
  await mkdir(join(paths.share, "exchange"), { recursive: true });
  await chmod(join(paths.share, "exchange"), 0o777);
  await mkdir(paths.hostdev, { recursive: true });
  await copyFile(payload, join(paths.share, "guest.rom"));
}

/** Copies a file without writing out its holes, as Node's own copy would. @throws {LabError} with the reason of cp. */
export async function copySparse(from: string, to: string): Promise<void> {
  const copy = await runProgram("cp", ["--sparse=always", from, to]);
  if (copy.code !== 0) throw new LabError(`Cannot make the machine's disk ${to}: ${copy.stderr.trim()}`);
}

/** Makes the disks of a topology that don't exist yet; the others keep what the machine wrote. Touches: the machine's directory. */
export async function makeDisks(directory: string, disks: readonly DiskBackend[]): Promise<void> {
  for (const { file, sizeMiB, text } of disks) {
    const path = join(directory, file);
    if (existsSync(path)) continue;
    const handle = await open(path, "wx");
    await handle.truncate(sizeMiB * 1024 * 1024);
    if (text !== undefined) await handle.write(text, 0);
    await handle.close();
  }
}
