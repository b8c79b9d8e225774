// SPDX-License-Identifier: Apache-2.0

/*
 * QEMU 10, which is in the lab's image: it starts paused with our arguments for the recorded domains too, and shows their
 * devices at their addresses. It runs on the host itself, with its own libraries, so no machine is booted.
 */

import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ensureImage } from "../src/image/ensure-image.ts";
import { repositoryDirectory } from "../src/lab-directory.ts";
import { qemuProgram } from "../src/machine/qemu-command.ts";
import { runProgram } from "../src/run-program.ts";

test("QEMU 10 starts with the arguments of the recorded domains", async (context) => {
  const directory = await mkdtemp(join(tmpdir(), "hd-qemu10-"));
  try {
    const { argv, env } = qemuProgram(await ensureImage((line) => context.diagnostic(line)));
    const emulator = join(directory, "qemu-system-x86_64");
    const settings = Object.entries(env).map(([name, value]) => `export ${name}='${value}'\n`);
    const words = argv.map((word) => `'${word}'`).join(" ");
    await writeFile(emulator, `#!/bin/sh\n${settings.join("")}exec ${words} "$@"\n`);
    await chmod(emulator, 0o755);
    assert.match((await runProgram(emulator, ["--version"])).stdout, /version 10\./);

    const tests = join(repositoryDirectory, "packages/hostdev/build/test/integration/qemu-arguments.test.js");
    // Without NODE_TEST_CONTEXT: this is a run of its own, whose report is read here.
    const own = ["-u", "NODE_TEST_CONTEXT", `HOSTDEV_TEST_QEMU=${emulator}`, process.execPath];
    const { code, stdout } = await runProgram("env", [...own, "--test", "--test-reporter=tap", tests]);
    assert.equal(code, 0, stdout);
    const [, started, all] = /QEMU started with (\d+) of (\d+) recorded domains/.exec(stdout) ?? [];
    context.diagnostic(`started with ${started} of ${all} recorded domains`);
    assert.ok(Number(started) >= 12, stdout);
  } finally {
    await rm(directory, { recursive: true });
  }
});
