// SPDX-License-Identifier: Apache-2.0
// Bundles verbs that people and scripts run all the time each into one file of its own: of what `hostdev devices` takes
// beside Node's own start, half was the loading of the 17 files that verbs share. The program then is a launcher, which
// takes the verb's file or, for everything else, the program as a whole. The verbs' files are CommonJS, since Node loads
// that in 9 ms less: an ES module that imports node:util or node:buffer loads all that these have.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const quick = ["devices", "groups", "show", "nodedev-list", "nodedev-dumpxml"];

/** Options of esbuild that all bundles have. */
export const common = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  minifySyntax: true,
  legalComments: "none",
  // CommonJS packages inside an ES module: what they require from Node must exist.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  plugins: [{ name: "lazy child_process", setup: makeLazy }],
};

/** commander loads child_process for executable subcommands, which there are none of here: 3 ms of each start. */
function makeLazy({ onLoad }) {
  const eager = "const childProcess = require('node:child_process');";
  const lazy = "const childProcess = { get spawn() { return require('node:child_process').spawn; } };";
  onLoad({ filter: /\/commander\/lib\/command\.js$/ }, ({ path }) => {
    const text = readFileSync(path, "utf8");
    if (!text.includes(eager)) throw new Error(`${path} no longer has: ${eager}`);
    return { contents: text.replace(eager, lazy), loader: "js" };
  });
}

/** Makes the launcher out of `dist/hostdev.js`, and the verbs' own files beside it. */
export async function bundleQuickVerbs(root, define) {
  const dist = join(root, "packages/hostdev/dist");
  await Promise.all(quick.map((verb) => bundleVerb(root, dist, verb, define)));
  renameSync(join(dist, "hostdev.js"), join(dist, "hostdev-all.js"));
  const launcher = `#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
const verb = process.argv[2];
if (!${JSON.stringify(quick)}.includes(verb)) await import("./hostdev-all.js");
else process.getBuiltinModule("node:module").createRequire(import.meta.url)(\`./verbs/\${verb}.cjs\`);
`;
  writeFileSync(join(dist, "hostdev.js"), launcher);
}

/** As `src/bin/hostdev.ts`, but without the waiting at the top that CommonJS has not. */
const entry = `
import { runProgram } from "../cli/run-program.ts";
import { userProgram } from "../cli/user-program.ts";
void runProgram(userProgram, process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
`;

function bundleVerb(root, dist, verb, define) {
  const onlyIts = ({ onResolve }) =>
    onResolve({ filter: /^\.\/commands\// }, ({ path, kind }) =>
      // The other verbs of the program stay out: with this verb on the command line they are never loaded.
      kind === "dynamic-import" && path !== `./commands/${verb}.ts` ? { path, external: true } : undefined,
    );
  return build({
    ...common,
    absWorkingDir: root,
    format: "cjs",
    banner: {},
    stdin: { contents: entry, resolveDir: join(root, "packages/hostdev/src/bin"), loader: "ts" },
    outfile: join(dist, `verbs/${verb}.cjs`),
    plugins: [...common.plugins, { name: "one verb", setup: onlyIts }],
    define,
  });
}
