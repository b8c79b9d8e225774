#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { daemonProgram } from "../cli/daemon-program.ts";
import { runProgram } from "../cli/run-program.ts";

process.exitCode = await runProgram(daemonProgram, process.argv.slice(2));
