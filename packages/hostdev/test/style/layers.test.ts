// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importClosure, packageRoot, readSources } from "./source-tree.ts";

/** Which folders a folder may import from, besides itself. The picture is in docs/architecture.md. */
const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  pci: ["core"],
  usage: ["core", "pci"],
  vfio: ["core", "pci"],
  memlock: ["core"],
  doctor: ["core", "pci", "usage", "vfio", "memlock"],
  grants: ["core", "pci", "usage", "vfio", "memlock"],
  xml: ["core"],
  domain: ["core", "xml", "pci"],
  nodedev: ["core", "pci", "xml"],
  qmp: ["core"],
  qemu: ["core", "pci", "xml", "domain", "qmp", "memlock"],
  rpc: ["core"],
  session: ["core", "pci", "vfio", "memlock", "xml", "domain", "nodedev", "qmp", "qemu", "rpc"],
  cli: [
    ...["core", "pci", "usage", "vfio", "memlock", "grants", "doctor"],
    ...["xml", "domain", "nodedev", "qmp", "qemu", "rpc", "session"],
  ],
  bin: ["cli", "session"],
  // The library's face.
  "index.ts": ["core", "pci", "usage", "vfio", "memlock", "grants", "doctor"],
};

test("layers: no file imports from a layer above its own", () => {
  const wrong = readSources().flatMap(({ path, imports }) => {
    const own = path.split("/")[0] ?? "";
    const allowed = [own, ...(layers[own] ?? [])];
    const local = imports.filter((name) => name.endsWith(".ts") && !allowed.includes(name.split("/")[0] ?? ""));
    return local.map((name) => `${path} imports ${name}`);
  });
  assert.deepEqual(wrong, []);
});

test("Host: nothing but core/real-*.ts and its children opens files, processes or sockets", () => {
  const doors = ["node:fs", "node:fs/promises", "node:child_process", "node:net", "node:worker_threads"];
  const inside = /^core\/(real-host|real-files|real-listen|real-programs|child-process|kernel-write|lock-file)\.ts$/;
  const wrong = readSources().flatMap(({ path, imports }) =>
    inside.test(path) ? [] : imports.filter((name) => doors.includes(name)).map((name) => `${path} imports ${name}`),
  );
  assert.deepEqual(wrong, []);
});

test("hostdev-admin: what root runs is the golden list, and no more", () => {
  const golden = join(packageRoot, "test/style/hostdev-admin-imports.txt");
  const closure = `${[...importClosure("bin/hostdev-admin.ts")].sort().join("\n")}\n`;
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(golden, closure);
  assert.equal(closure, readFileSync(golden, "utf8"));
  const unwanted = closure.split("\n").filter((path) => /^(xml|domain|qmp|qemu|rpc|session)\//.test(path));
  assert.deepEqual(unwanted, []);
});
