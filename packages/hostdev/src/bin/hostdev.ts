#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { runProgram } from "../cli/run-program.ts";
import { userProgram } from "../cli/user-program.ts";

process.exitCode = await runProgram(userProgram, process.argv.slice(2));
