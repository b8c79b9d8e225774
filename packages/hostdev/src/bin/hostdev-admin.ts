#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { adminProgram } from "../cli/admin-program.ts";
import { runProgram } from "../cli/run-program.ts";

process.exitCode = await runProgram(adminProgram, process.argv.slice(2));
