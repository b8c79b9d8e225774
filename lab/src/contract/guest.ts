// SPDX-License-Identifier: Apache-2.0

import { run } from "node:test";

/* A program for the lab's machine: runs a file of tests and prints a `TestReport` in each line. Arguments: the file. */

/** How one test of the file ended. */
export interface TestReport {
  readonly name: string;
  readonly ms: number;
  /** What it threw, with the stack; absent when it passed. */
  readonly failure?: string;
}

for await (const { type, data } of run({ files: process.argv.slice(2), timeout: 400_000 })) {
  if (type === "test:stderr") process.stderr.write(data.message);
  if (type !== "test:pass" && type !== "test:fail") continue;
  const { error, duration_ms: ms } = data.details as { error?: Error; duration_ms: number };
  const isSuite = data.details.type === "suite";
  if (isSuite) continue;
  const report: TestReport = { name: data.name, ms: Math.round(ms), ...(error && { failure: textOf(error) }) };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

/** What was thrown; node:test wraps it. */
function textOf(error: Error): string {
  const thrown = error.cause ?? error;
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}
