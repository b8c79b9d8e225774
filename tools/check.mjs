// SPDX-License-Identifier: Apache-2.0
// The gate: format, lint, build with types, then the tests of each tier. `quick` leaves out the lab.
// Prints how many tests ran, and fails if any failed or none ran.
import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureTestPackages } from "./test-packages.mjs";
import { ensureUnpackedPackages } from "./unpacked-packages.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const isQuick = process.argv[2] !== "all";
const started = Date.now();
const counts = { pass: 0, fail: 0, skipped: 0 };

step("format and lint", "node_modules/.bin/biome", ["check", "--error-on-warnings", "."]);
step("build", "node", ["tools/build.mjs", "--quiet"]);
const tell = (text) => console.log(`check: ${text}`);
ensureTestPackages(tell, { isQuick });
await ensureUnpackedPackages(tell, { isQuick });
await tests("unit", "packages/hostdev/build/src", "lab/build/src");
await tests("contract, golden and style", "packages/hostdev/build/test");
if (!isQuick) {
  step("lab image", "node", ["lab/build/src/cli.js", "--build"]);
  await tests("lab", "lab/build/scenarios");
}

const seconds = Math.round((Date.now() - started) / 1000);
console.log(`\ncheck: ${isQuick ? "quick part" : "everything"} in ${seconds} s`);
console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.skipped} skipped`);
process.exit(counts.fail === 0 && counts.pass > 0 ? 0 : 1);

function step(title, command, args) {
  console.log(`\n== ${title}`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (status !== 0) {
    console.error(`check: ${title} failed`);
    process.exit(1);
  }
}

/** Runs the compiled tests below some folders. */
async function tests(title, ...folders) {
  const files = folders.flatMap(testFiles);
  console.log(`\n== ${title}: ${files.length} test files`);
  if (files.length === 0) return;
  // A lab has one processor, and its scenarios wait now and then: two at once use two cores well.
  const labs = process.env["HOSTDEV_LABS"] ?? (availableParallelism() >= 2 ? 2 : 1);
  const args = ["--test", `--test-concurrency=${title === "lab" ? labs : 2}`, "--test-reporter=spec", ...files];
  const runner = spawn("node", ["--enable-source-maps", ...args], {
    cwd: root,
    env: { ...process.env, ...(isQuick ? { HOSTDEV_QUICK: "1" } : {}) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  runner.stdout.on("data", (chunk) => {
    process.stdout.write(chunk);
    output += chunk;
  });
  const status = await new Promise((resolve) => runner.on("close", resolve));
  for (const key of Object.keys(counts))
    counts[key] += Number(new RegExp(`^ℹ ${key} (\\d+)$`, "m").exec(output)?.[1] ?? 0);
  if (status !== 0 && counts.fail === 0) counts.fail = 1; // a runner that died tells no counts
}

function testFiles(folder) {
  try {
    const names = readdirSync(join(root, folder), { recursive: true });
    return names
      .filter((name) => name.endsWith(".test.js"))
      .map((name) => join(folder, name))
      .sort();
  } catch {
    return []; // this folder has no tests (yet)
  }
}
