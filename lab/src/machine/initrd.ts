// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../image/image.ts";
import { labDirectory } from "../lab-directory.ts";
import { cpioArchive, treeEntries } from "./cpio.ts";

/**
 * Writes the initrd of one machine: the image's programs and modules, and this checkout's init script and overlay.
 *
 * The overlay isn't in the image, so that a change of the agent doesn't need a new one.
 *
 * Touches: reads `lab/image`, writes `path`.
 */
export async function writeInitrd(image: Image, path: string): Promise<void> {
  const init = readFileSync(join(labDirectory, "image", "init.sh"));
  const entries = [
    ...treeEntries(image.initrdTree, ""),
    { path: "init", mode: 0o100755, content: init },
    ...treeEntries(join(labDirectory, "image", "overlay"), "overlay"),
  ];
  await writeFile(path, cpioArchive(entries));
}
