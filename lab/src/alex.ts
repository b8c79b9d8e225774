// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Lab } from "./lab.ts";

/**
 * Runs a line as alex, logged in (limits.d, logind session, user manager), and gives back what it said on both outputs.
 *
 * @throws {AssertionError} with all that it said, when it ends with another status, or takes longer than two minutes.
 */
export async function alex(lab: Lab, line: string, status = 0): Promise<string> {
  const { code, stdout, stderr } = await lab.alex(line, { login: true, timeoutMs: 120_000 });
  assert.equal(code, status, `${line}\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** The same for a command of virsh on hostdev's daemon; {@link installSessionDaemon} comes before it. */
export function virsh(lab: Lab, command: string, status = 0): Promise<string> {
  return alex(lab, `virsh -c qemu:///session ${command}`, status);
}
