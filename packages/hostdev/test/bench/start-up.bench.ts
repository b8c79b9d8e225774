// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../style/source-tree.ts";
import type { BenchRow } from "./bench.ts";
import { compare } from "./bench.ts";

export const name = "start-up";
export const title = "How long a program takes until it can begin, beside Node itself with nothing to do";

const node = (...args: readonly string[]) => execFileSync(process.execPath, args, { stdio: "pipe" });

/** Times `--version` and `--help` of the bundled programs. */
export async function run(): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const program of ["hostdev", "hostdev-admin"]) {
    for (const option of ["--version", "--help"]) {
      const path = join(packageRoot, "dist", `${program}.js`);
      rows.push(
        await compare({
          what: `${program} ${option}`,
          peerName: "node -e 0",
          ours: () => node(path, option),
          peer: () => node("-e", "0"),
        }),
      );
    }
  }
  return rows;
}
