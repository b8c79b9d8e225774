// SPDX-License-Identifier: Apache-2.0

/** virt-install, virt-clone and virt-xml on our daemon. `docs/compatibility.md` is made from the list. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { lacks, skippedWhenQuick, startSessiond, TestUser } from "../programs.ts";
import { emptyQcow2 } from "../qemu-tools.ts";
import { installArguments, toolCases } from "./tool-cases.ts";

const skip =
  skippedWhenQuick ||
  lacks("qemu-system-x86_64", "qemu-system-x86") ||
  lacks("/usr/bin/virt-install", "virtinst") ||
  lacks("qemu-img", "qemu-utils");

const user = new TestUser();
const home = join(user.folder, "home");
after(() => {
  return user.remove();
});
before(async () => {
  if (skip) return;
  for (const [name, bytes] of Object.entries({ "old.qcow2": emptyQcow2(64 << 20), "old.iso": Buffer.alloc(65536) })) {
    writeFileSync(join(home, name), bytes);
    user.own(join(home, name));
  }
  await startSessiond(user);
});

const words = (command: string) => command.replaceAll("FOLDER", home).split(" ");
const virsh = (command: string) => user.run("virsh", ["-c", "qemu:///session", ...words(command)]);

for (const [index, { command, refusal, shows = [], afterwards = [] }] of toolCases.entries()) {
  test(`${command} (${index + 1})`, { skip, timeout: 120_000 }, () => {
    const [tool = "", ...args] = words(command);
    const usual = tool === "virt-install" ? installArguments.split(" ") : [];
    const { status, stdout, stderr } = user.run(`/usr/bin/${tool}`, [
      "--connect",
      "qemu:///session",
      ...usual,
      ...args,
    ]);
    const said = stdout + stderr;
    if (refusal === undefined) assert.equal(status, 0, said);
    else {
      assert.equal(status, 1, said);
      assert.match(said, refusal);
    }
    assert.doesNotMatch(said, /Traceback/);
    for (const [look, output] of shows) assert.match(virsh(look).stdout, output, look);
    for (const next of afterwards) assert.equal(virsh(next).status, 0, next);
  });
}
