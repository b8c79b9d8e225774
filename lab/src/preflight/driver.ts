// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import { build } from "esbuild";
import type { Lab } from "../lab.ts";
import { repositoryDirectory } from "../lab-directory.ts";

/** A VM to be judged; as in `packages/hostdev/test/session/preflight-case.ts`. */
export interface PreflightCase {
  readonly xml: string;
  readonly startXml?: string;
  readonly extraArgs?: readonly string[];
  readonly probesQemu?: boolean;
  readonly keepsSoft?: boolean;
}

/** What the check found, and what QEMU said without it; `null` when it came up. */
export interface PreflightResult {
  readonly codes: readonly string[];
  readonly texts: readonly string[];
  readonly said: string | null;
}

/** A program of alex that judges VMs, one after the other. */
export interface PreflightDriver {
  readonly pid: number;
  judge(one: PreflightCase): Promise<PreflightResult>;
  stop(): Promise<void>;
}

/** Starts the driver in the lab. Touches: the exchange directory; a process in the lab. */
export async function startDriver(lab: Lab): Promise<PreflightDriver> {
  const directory = join(lab.exchangeDirectory, "preflight");
  await build({
    entryPoints: [join(repositoryDirectory, "packages/hostdev/test/session/preflight-driver.ts")],
    outdir: directory,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    // Some packages are CommonJS and want this.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: "warning",
  });
  const lines: string[] = [];
  let wake = () => {};
  const program = lab.spawn("alex", "exec node /opt/lab/exchange/preflight/preflight-driver.mjs", {
    keepInput: true,
    onLine: (line, stream) => {
      if (stream === "stderr") return void process.stderr.write(`driver: ${line}\n`);
      lines.push(line);
      wake();
    },
  });
  const over = program.result.then(({ stderr }) => {
    throw new Error(`the driver ended: ${stderr}`);
  });
  over.catch(() => {});
  const nextLine = async (): Promise<string> => {
    while (lines.length === 0) {
      await Promise.race([
        over,
        new Promise<void>((resolve) => {
          wake = resolve;
        }),
      ]);
    }
    return lines.shift() ?? "";
  };
  const pid = Number(await nextLine());
  return {
    pid,
    async judge(one) {
      program.write(`${JSON.stringify(one)}\n`);
      return JSON.parse(await nextLine()) as PreflightResult;
    },
    async stop() {
      program.kill();
      await program.result;
    },
  };
}
