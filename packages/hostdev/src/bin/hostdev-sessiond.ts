// SPDX-License-Identifier: Apache-2.0
import { daemonProgram } from "../cli/daemon-program.ts";
import { runProgram } from "../cli/run-program.ts";

// No waiting at the top, which a CommonJS file cannot (tools/daemon-bundle.mjs, which also has the launcher).
void runProgram(daemonProgram, process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
