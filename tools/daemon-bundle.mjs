// SPDX-License-Identifier: Apache-2.0
// Bundles the daemon into one CommonJS file, with a launcher: a client of systemd's socket waits until it has started, and
// of that, a third was the loading of 40 ES modules.
import { writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { common } from "./quick-verbs.mjs";

/** Makes `dist/hostdev-sessiond.js`, and the daemon itself in `dist/daemon`. */
export async function bundleDaemon(root, define) {
  const { metafile } = await build({
    ...common,
    absWorkingDir: root,
    format: "cjs",
    banner: {},
    entryPoints: ["packages/hostdev/src/bin/hostdev-sessiond.ts"],
    outdir: "packages/hostdev/dist/daemon",
    entryNames: "[name]-[hash]",
    outExtension: { ".js": ".cjs" },
    minifyWhitespace: true, // half as much to read
    define,
    metafile: true,
  });
  const [file = ""] = Object.keys(metafile.outputs);
  writeFileSync(join(root, "packages/hostdev/dist/hostdev-sessiond.js"), launcher(basename(file)));
  return join(root, file);
}

const launcher = (file) => `#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
process.getBuiltinModule("node:module").createRequire(import.meta.url)("./daemon/${file}");
`;
