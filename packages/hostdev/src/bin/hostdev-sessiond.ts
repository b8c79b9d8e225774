// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from "node:v8";
import { daemonProgram } from "../cli/daemon-program.ts";
import { runProgram } from "../cli/run-program.ts";

// Every logged-in user may have one, and it mostly waits: garbage is not left to pile up (with 500 domains a third less).
for (const flag of ["--max-semi-space-size=1", "--optimize-for-size"]) setFlagsFromString(flag);

// No waiting at the top, which a CommonJS file cannot (tools/daemon-bundle.mjs).
void runProgram(daemonProgram, process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
