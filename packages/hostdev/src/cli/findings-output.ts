// SPDX-License-Identifier: Apache-2.0
import type { Finding } from "../core/finding.ts";
import type { Output } from "./context.ts";
import { paint, type Style } from "./table.ts";

const marks: Readonly<Record<Finding["level"], readonly [string, Style]>> = {
  ok: ["ok  ", "green"],
  note: ["note", "cyan"],
  warning: ["warn", "yellow"],
  failure: ["FAIL", "red"],
};

/** Prints findings, one a line, with their fixes below; the same fix only once. */
export function printFindings(output: Output, findings: readonly Finding[]): void {
  const told = new Set<string>();
  for (const { level, text, fix } of findings) {
    const [mark, style] = marks[level];
    output.print(`${paint(output, style, mark)}  ${text}\n`);
    if (fix === undefined || told.has(fix)) continue;
    told.add(fix);
    output.print(`      fix: ${fix}\n`);
  }
}
