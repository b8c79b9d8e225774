// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { TestUser } from "../programs.ts";
import type { VirshCase } from "./virsh-cases.ts";

/**
 * Runs a command of virsh as a user, on the daemon that he has.
 *
 * @param command as it is typed; `FOLDER` is the user's folder, and a no-break space one within a word.
 */
export function virsh(user: TestUser, command: string): { readonly status: number | null; readonly text: string } {
  const args = command.split(" ").map((word) => word.replaceAll("\u00a0", " ").replace("FOLDER", user.folder));
  const { status, stdout, stderr } = user.run("virsh", ["-c", "qemu:///session", ...args]);
  return { status, text: `${stdout}${stderr}`.replaceAll(user.folder, "FOLDER") };
}

/** Runs a command on our daemon, and on libvirt's if that is there: the same status and output, or what is explained. */
export function compareOutput(one: VirshCase, ours: TestUser, theirs: TestUser | undefined): void {
  const { command, status, differs, ignore } = one;
  const [onOurs, onTheirs] = typeof status === "number" ? [status, status] : status;
  const shown = (text: string) => (ignore === undefined ? text : text.replace(ignore, "*"));
  const mine = virsh(ours, command);
  assert.equal(mine.status, onOurs, mine.text);
  if (theirs === undefined) return;
  const other = virsh(theirs, command);
  assert.equal(other.status, onTheirs, other.text);
  if (differs === undefined) assert.equal(shown(mine.text), shown(other.text));
  else assert.notEqual(shown(mine.text), shown(other.text), "the outputs are the same now: take the explanation away");
}
