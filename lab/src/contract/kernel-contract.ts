// SPDX-License-Identifier: Apache-2.0

import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { Lab } from "../lab.ts";
import { labDirectory, repositoryDirectory } from "../lab-directory.ts";
import type { TestReport } from "./guest.ts";

/**
 * Runs the contract between hostdev and the kernel (`packages/hostdev/test/contract`) on the lab's kernel, as root.
 *
 * Touches: drivers, overrides, group nodes, virtual functions and VFIO's modules in the lab, and puts all back.
 * Needs: a lab of the full zoo, with the modules vfio-pci, pci-stub and igbvf.
 *
 * @returns how each test ended, in order.
 * @throws {LabError} when the tests cannot be run at all.
 */
export async function runKernelContract(lab: Lab): Promise<readonly TestReport[]> {
  const contract = join(repositoryDirectory, "packages/hostdev/test/contract");
  const source = join(labDirectory, "src/contract");
  const directory = join(lab.exchangeDirectory, "contract");
  await build({
    entryPoints: [join(contract, "real-kernel.ts"), join(contract, "user-process.ts"), join(source, "guest.ts")],
    outdir: directory,
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    sourcemap: "inline",
    logLevel: "warning",
  });
  await copyFile(join(source, "vfio-hold.pl"), join(directory, "vfio-hold.pl"));
  const script = "cd /opt/lab/exchange/contract && node --enable-source-maps guest.mjs real-kernel.mjs";
  const { stdout } = await lab.root(script, { check: true, timeoutMs: 600_000 });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as TestReport);
}
