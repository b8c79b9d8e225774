// SPDX-License-Identifier: Apache-2.0
// Brings a fresh checkout to where everything can be built: Node's version, npm packages. Needs nothing but Node.
// What the lab needs from the system it installs by itself (lab/src/prerequisites.ts), and so does the gate for its
// tests (tools/test-packages.mjs).
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const isQuiet = process.argv.includes("--quiet");
const say = (text) => isQuiet || console.log(`setup: ${text}`);

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`setup: Node ${process.versions.node} is too old: hostdev needs 20.19 or newer`);
  process.exit(4);
}

// npm writes this file last, so an interrupted installation is done again.
const installed = join(root, "node_modules/.package-lock.json");
const lock = join(root, "package-lock.json");
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  say("npm packages (npm ci)");
  execFileSync("npm", ["ci", "--no-fund", "--no-audit", "--loglevel=error"], { cwd: root, stdio: "inherit" });
}
const { version } = JSON.parse(readFileSync(join(root, "packages/hostdev/package.json"), "utf8"));
say(`hostdev ${version} on Node ${process.versions.node}: ready to build`);
