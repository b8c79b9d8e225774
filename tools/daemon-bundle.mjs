// SPDX-License-Identifier: Apache-2.0
// Bundles the daemon into one file, a launcher, and what V8 makes of that file (docs/decisions/0014-daemon-start.md): a
// client of systemd's socket waits until the daemon has started.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { common } from "./quick-verbs.mjs";

/** Makes `dist/hostdev-sessiond.js`, and the daemon itself in `dist/daemon`. */
export async function bundleDaemon(root, define) {
  const { metafile } = await build({
    ...common,
    absWorkingDir: root,
    format: "cjs",
    banner: { js: "(function(require){" },
    footer: { js: "})" },
    entryPoints: ["packages/hostdev/src/bin/hostdev-sessiond.ts"],
    outdir: "packages/hostdev/dist/daemon",
    entryNames: "[name]-[hash]", // V8 knows its own for a file by the length alone
    outExtension: { ".js": ".cjs" },
    minifyWhitespace: true,
    define,
    metafile: true,
  });
  const [file = ""] = Object.keys(metafile.outputs);
  const path = join(root, "packages/hostdev/dist/hostdev-sessiond.js");
  writeFileSync(path, launcher(basename(file)));
  compile(path);
}

const launcher = (file) => `#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
const [fs, vm, v8, { createRequire }] = ["fs", "vm", "v8", "module"].map((name) => process.getBuiltinModule(name));

// Every logged-in user may have one, and it mostly waits: garbage is not left to pile up (with 500 domains a third less).
for (const flag of ["--max-semi-space-size=1", "--optimize-for-size"]) v8.setFlagsFromString(flag);

const path = \`\${import.meta.dirname}/daemon/${file}\`;
/** What this Node has made of the file; another one's has another name. */
export const compiledPath = \`\${path}.\${process.version}-\${process.arch}-\${v8.cachedDataVersionTag()}\`;
const cachedData = fs.existsSync(compiledPath) ? fs.readFileSync(compiledPath) : undefined;
export const script = new vm.Script(fs.readFileSync(path, "latin1"), { filename: path, cachedData });
script.runInThisContext()(createRequire(path));
`;

/** Lets the daemon start and end once, and keeps what V8 has compiled by then. */
function compile(path) {
  const folder = mkdtempSync(join(tmpdir(), "hostdev-compile-"));
  const program = `
    const { compiledPath, script } = await import("${pathToFileURL(path)}");
    const { renameSync, writeFileSync } = process.getBuiltinModule("fs");
    process.on("exit", () => {
      // Whole or not at all: V8 would crash on a part.
      writeFileSync(\`\${compiledPath}.new\`, script.createCachedData());
      renameSync(\`\${compiledPath}.new\`, compiledPath);
    });
  `;
  const words = [path, "--socket", join(folder, "socket"), "--idle", "1s"];
  const args = ["--input-type=module", "--eval", program, "--", ...words];
  const env = { PATH: process.env.PATH, HOME: folder, XDG_RUNTIME_DIR: folder };
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8", timeout: 30_000 });
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) throw new Error(`The daemon does not start: ${stderr}`);
}
