// SPDX-License-Identifier: Apache-2.0
import { styleText } from "node:util";
import { printable } from "../core/printable.ts";
import { cellWidth, cutText } from "./cell-width.ts";
import type { Output } from "./context.ts";

export type Style = Parameters<typeof styleText>[0];

/** A cell: text, and how it is coloured where colours are allowed. */
export type Cell = string | { readonly text: string; readonly style: Style };

/** A column: its title, and how narrow it may become where the terminal has no room for all of it. */
export type Column = string | { readonly title: string; readonly least: number };

/** Colours text if the output allows it; without colour the text says the same. */
export function paint(output: Output, style: Style, text: string): string {
  return output.hasColour ? styleText(style, text, { validateStream: false }) : text;
}

const between = 2;

/**
 * Lays rows out in columns, two blanks apart, whatever characters are in them. Elsewhere than on a terminal nothing is
 * cut. On a terminal the last column gives way first, then the others from the left, each down to its `least` (none
 * given: it is never narrowed); what is still too long is cut at the terminal's edge.
 */
export function formatTable(
  output: Output,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  indent = "",
): string {
  const titles = columns.map((column) => (typeof column === "string" ? column : column.title));
  const texts = rows.map((row) => titles.map((_, index) => printable(textOf(row[index] ?? ""))));
  const natural = titles.map((title, index) =>
    texts.reduce((width, row) => Math.max(width, cellWidth(row[index] ?? "")), cellWidth(title)),
  );
  const room = output.width === undefined ? Number.POSITIVE_INFINITY : output.width - indent.length;
  const widths = narrow(natural, columns, room);
  const line = (cells: readonly string[], style: (index: number) => Style | undefined) => {
    let left = room;
    let text = indent;
    for (const [index, cell] of cells.entries()) {
      const width = widths[index] ?? 0;
      const isLast = index === cells.length - 1;
      const fitting = cutText(cell, width);
      const padded = isLast ? fitting : fitting + " ".repeat(width - cellWidth(fitting) + between);
      const shown = cutText(padded, left);
      left -= cellWidth(shown);
      const look = style(index);
      text += look === undefined ? shown : paint(output, look, shown);
      if (left <= 0) break;
    }
    return `${text.trimEnd()}\n`;
  };
  const lines = texts.map((row, number) => line(row, (index) => styleOf(rows[number]?.[index] ?? "")));
  return line(titles, () => "bold") + lines.join("");
}

const textOf = (cell: Cell) => (typeof cell === "string" ? cell : cell.text);
const styleOf = (cell: Cell) => (typeof cell === "string" ? undefined : cell.style);

function narrow(natural: readonly number[], columns: readonly Column[], room: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, between * (widths.length - 1)) - room;
  for (const index of [widths.length - 1, ...widths.keys()]) {
    const column = columns[index];
    const width = widths[index] ?? 0;
    if (excess <= 0 || column === undefined || typeof column === "string") continue;
    const taken = Math.min(excess, Math.max(0, width - Math.max(column.least, cellWidth(column.title))));
    widths[index] = width - taken;
    excess -= taken;
  }
  return widths;
}
