// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { packageRoot, repositoryRoot } from "../style/source-tree.ts";

/** A project of somebody else's, with the package as npm would publish it and nothing else of ours. */
let project = "";
const installed = () => join(project, "node_modules/hostdev");

before(() => {
  project = mkdtempSync(join(tmpdir(), "hostdev-package-"));
  execFileSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd: packageRoot, stdio: "pipe" });
  mkdirSync(installed(), { recursive: true });
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  execFileSync("tar", ["-xzf", join(project, `hostdev-${version}.tgz`), "-C", installed(), "--strip-components=1"]);
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
});

after(() => rmSync(project, { recursive: true, force: true }));

const example = `import { enumerateFunctions, explainGroup, type PciFunction, readIommuGroup, realHost } from "hostdev";
const functions: readonly PciFunction[] = enumerateFunctions(realHost());
for (const { address, group } of functions) {
  const found = group === null ? undefined : readIommuGroup(realHost(), group);
  console.log(address, found === undefined ? "" : explainGroup(realHost(), found).text);
}
console.log(functions.length);
`;

test("package: the library runs outside the workspace, without any other package", () => {
  writeFileSync(
    join(project, "use.mjs"),
    example.replace("type PciFunction, ", "").replace(": readonly PciFunction[]", ""),
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, ["use.mjs"], { cwd: project, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^\d+\n$/m);
});

test("package: its types resolve under tsc's strict rules", () => {
  writeFileSync(join(project, "use.ts"), example);
  mkdirSync(join(project, "node_modules/@types"));
  for (const name of ["@types/node", "undici-types"]) {
    symlinkSync(join(repositoryRoot, "node_modules", name), join(project, "node_modules", name));
  }
  const tsc = join(repositoryRoot, "node_modules/.bin/tsc");
  const options = ["--strict", "--noEmit", "--module", "nodenext", "--target", "es2022", "--types", "node", "use.ts"];
  const { stdout, status } = spawnSync(tsc, options, { cwd: project, encoding: "utf8" });
  assert.equal(status, 0, stdout);
});

const program = (name: string) => join(installed(), "dist", `${name}.js`);

test("package: each verb starts as a program, whether it has a file of its own or not", () => {
  const help = spawnSync(process.execPath, [program("hostdev"), "--help"], { encoding: "utf8" }).stdout;
  const verbs = [...help.slice(help.indexOf("Commands:"), help.indexOf("Examples:")).matchAll(/^ {2}([a-z-]+) /gm)].map(
    ([, verb = ""]) => verb,
  );
  assert.ok(verbs.includes("devices") && verbs.includes("doctor"), help);
  for (const verb of verbs.filter((name) => name !== "help")) {
    const { stdout, stderr, status } = spawnSync(process.execPath, [program("hostdev"), verb, "--help"], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stderr);
    assert.ok(stdout.startsWith(`Usage: hostdev ${verb} `), stdout);
  }
});

test("package: the daemon starts from what V8 made of it, and from its text where that is another Node's", () => {
  const path = program("hostdev-sessiond");
  const load = `const { script } = await import(process.argv[1]); console.log(script.cachedDataRejected);`;
  const start = (...flags: readonly string[]) =>
    spawnSync(process.execPath, [...flags, "--input-type=module", "--eval", load, "--", path, "--version"], {
      encoding: "utf8",
    }).stdout.split("\n");
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  assert.deepEqual(start().sort(), ["", version, "false"]);
  assert.deepEqual(start("--stack-size=900").sort(), ["", version, "undefined"]);
});

test("package: a reader that stops early is no failure", () => {
  for (const words of ["devices --json", "nodedev-list", "--help"]) {
    const script = `"$0" "$1" ${words} | true; "$0" "$1" ${words} | head -1`;
    const { stderr, status } = spawnSync("sh", ["-c", script, process.execPath, program("hostdev")], {
      encoding: "utf8",
    });
    assert.deepEqual([stderr, status], ["", 0]);
  }
});
