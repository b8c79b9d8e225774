// SPDX-License-Identifier: Apache-2.0
// Builds everything: types checked, tests and lab emitted to build/, executables bundled to packages/hostdev/dist/.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { bundleDaemon } from "./daemon-bundle.mjs";
import { writeLicenses } from "./licenses.mjs";
import { bundleQuickVerbs, common } from "./quick-verbs.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const isQuiet = process.argv.includes("--quiet");
const say = (text) => isQuiet || console.log(`build: ${text}`);

for (const member of ["packages/hostdev", "lab"]) {
  if (!existsSync(join(root, member, "tsconfig.json"))) continue;
  say(`types of ${member}`);
  rmSync(join(root, member, "build"), { recursive: true, force: true });
  tsc(member);
}

const { version } = JSON.parse(readFileSync(join(root, "packages/hostdev/package.json"), "utf8"));
const programs = ["hostdev", "hostdev-admin", "hostdev-sessiond"];
say(`executables ${programs.join(", ")} and the library`);
rmSync(join(root, "packages/hostdev/dist"), { recursive: true, force: true });
const define = { HOSTDEV_VERSION: JSON.stringify(version) };
const { metafile } = await build({
  ...common,
  absWorkingDir: root,
  entryPoints: ["bin/hostdev.ts", "bin/hostdev-admin.ts", "index.ts"].map((name) => `packages/hostdev/src/${name}`),
  entryNames: "[name]",
  outdir: "packages/hostdev/dist",
  splitting: true, // a verb is loaded when it is asked for
  chunkNames: "chunks/[name]-[hash]",
  define,
  metafile: true,
});
writeLicenses(root, Object.keys(metafile.inputs));
await bundleQuickVerbs(root, define);
await bundleDaemon(root, define);
for (const name of programs) chmodSync(join(root, `packages/hostdev/dist/${name}.js`), 0o755);
tsc("packages/hostdev/tsconfig.types.json");

function tsc(project) {
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(root, project)], { stdio: "inherit" });
}
