// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { virshCases } from "../integration/libvirt/virsh-cases.ts";
import { repositoryRoot } from "../style/source-tree.ts";

/** One row for each command as typed; the same command at different times may come out differently. */
function renderPage(): string {
  const rows = new Map<string, string>();
  for (const { command, differs } of virshCases) {
    const name = command.replaceAll("FOLDER/", "");
    rows.set(name, differs === undefined ? (rows.get(name) ?? "same") : `differs: ${differs}`);
  }
  const lines = [...rows].map(([command, result]) => `| \`virsh ${command}\` | ${result} |`);
  return [
    "# Compatibility with libvirt's clients",
    "",
    "`hostdev-sessiond` serves `qemu:///session` to libvirt's own clients. Each of these commands is run in the tests on it and",
    "on libvirt's session daemon, as an ordinary user on the same machine, in this order. *Same* means the same exit status and",
    "the same output, letter by letter, times and sizes aside. Made from `packages/hostdev/test/integration/libvirt/virsh-cases.ts`.",
    "",
    "| command | on hostdev, compared with libvirt |",
    "|---|---|",
    ...lines,
    "",
    "Not there at all, and refused as unsupported: saving and restoring guests, snapshots, migration, making networks, pools,",
    "volumes and secrets, and passing open files (which a client needs for a graphical console of a local connection).",
    "",
  ].join("\n");
}

test("docs/compatibility.md is made from the list of commands", () => {
  const path = join(repositoryRoot, "docs/compatibility.md");
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, renderPage());
  assert.equal(readFileSync(path, "utf8"), renderPage());
});
