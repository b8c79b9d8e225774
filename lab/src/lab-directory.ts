// SPDX-License-Identifier: Apache-2.0

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The directory of this npm package (`lab/`), wherever the running file was compiled to.
 *
 * Touches: looks for `image/finish.sh` in the parents of this file.
 */
export const labDirectory: string = findLabDirectory(dirname(fileURLToPath(import.meta.url)));

/** The repository's root, which holds `packages/` and `lab/`. */
export const repositoryDirectory: string = dirname(labDirectory);

function findLabDirectory(start: string): string {
  for (let at = start; ; at = dirname(at)) {
    if (existsSync(join(at, "image", "finish.sh"))) return at;
    if (at === dirname(at))
      throw new Error(`Cannot find the lab's files: no image/finish.sh in any parent of ${start}`);
  }
}
