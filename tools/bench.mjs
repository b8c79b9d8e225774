// SPDX-License-Identifier: Apache-2.0
// Runs the benchmarks: every NAME.bench.ts of packages/hostdev/test/bench and lab/bench, or those named.
// Each is measured beside a peer in the same run, so that the ratio means something on any machine.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const help = `Measures hostdev beside its peers, in one run.

Usage: npm run bench -- [NAME ...] [--list] [--json]

Examples:
  npm run bench                all of them
  npm run bench -- start-up    one
  npm run bench -- --list      their names
`;

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = ["packages/hostdev/build/test/bench", "lab/build/bench"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean" }, json: { type: "boolean" }, list: { type: "boolean" } },
});
process.exitCode = await main();

async function main() {
  if (values.help) return print(help);
  const benches = await Promise.all(folders.flatMap(benchFiles).map((file) => import(pathToFileURL(file).href)));
  benches.sort((a, b) => a.name.localeCompare(b.name));
  const names = benches.map((bench) => bench.name);
  if (values.list) return print(`${names.join("\n")}\n`);
  const unknown = positionals.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    console.error(`bench: there is no benchmark "${unknown}"; there are ${names.join(", ")}`);
    return 2;
  }
  const results = [];
  for (const bench of benches) {
    if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
    if (!values.json) print(`${bench.name}: ${bench.title}\n`);
    const rows = await bench.run();
    results.push({ name: bench.name, title: bench.title, rows: rows.map(withRatio) });
    if (!values.json) print(`${formatRows(rows)}\n`);
  }
  if (values.json) print(`${JSON.stringify({ version: 1, node: process.version, results }, null, 2)}\n`);
  return 0;
}

function benchFiles(folder) {
  const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : [];
  return names.filter((name) => name.endsWith(".bench.js")).map((name) => join(root, folder, name));
}

function withRatio(row) {
  return "reason" in row ? row : { ...row, ratio: row.ours / row.peer };
}

/** A table; what could not be measured comes after it, with the reason. */
function formatRows(rows) {
  const measured = rows.filter((row) => !("reason" in row));
  const table = [
    ["what", "ours", "peer", "ratio", ""],
    ...measured.map(({ what, ours, peer, peerName, unit }) => [
      what,
      `${formatNumber(ours)} ${unit}`,
      `${formatNumber(peer)} ${unit}`,
      (ours / peer).toFixed(2),
      `peer: ${peerName}`,
    ]),
  ];
  const widths = table[0].map((_, column) => Math.max(...table.map((cells) => cells[column].length)));
  const isNumber = (column) => column >= 1 && column <= 3;
  const lines = table.map((cells) =>
    cells
      .map((cell, column) => (isNumber(column) ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join(" | ")
      .replace(/[ |]+$/, ""),
  );
  const gaps = rows.filter((row) => "reason" in row).map(({ what, reason }) => `${what}: not measured: ${reason}`);
  return `${[...(measured.length > 0 ? lines : []), ...gaps].map((line) => `  ${line}\n`).join("")}`;
}

function formatNumber(value) {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function print(text) {
  process.stdout.write(text);
  return 0;
}
