// SPDX-License-Identifier: Apache-2.0
import type { Finding } from "../core/finding.ts";
import { printable } from "../core/printable.ts";
import type { Output } from "./context.ts";
import { paint, type Style } from "./table.ts";

const marks: Readonly<Record<Finding["level"], readonly [string, Style]>> = {
  ok: ["ok  ", "green"],
  note: ["note", "cyan"],
  warning: ["warn", "yellow"],
  failure: ["FAIL", "red"],
};

/** Prints findings, one a line, each with its fix below; a fix that came before only as such. */
export function printFindings(output: Output, findings: readonly Finding[]): void {
  const told = new Set<string>();
  for (const { level, text, fix } of findings) {
    const [mark, style] = marks[level];
    output.print(`${paint(output, style, mark)}  ${printable(text)}\n`);
    if (fix === undefined) continue;
    output.print(`      fix: ${told.has(fix) ? "the same as above" : printable(fix)}\n`);
    told.add(fix);
  }
}
