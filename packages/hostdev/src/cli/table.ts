// SPDX-License-Identifier: Apache-2.0
import { styleText } from "node:util";
import { printable } from "../core/printable.ts";
import type { Output } from "./context.ts";

export type Style = Parameters<typeof styleText>[0];

/** A cell: text, and how it is coloured where colours are allowed. */
export type Cell = string | { readonly text: string; readonly style: Style };

const textOf = (cell: Cell) => printable(typeof cell === "string" ? cell : cell.text);

/** Colours text if the output allows it; without colour the text says the same. */
export function paint(output: Output, style: Style, text: string): string {
  return output.hasColour ? styleText(style, text, { validateStream: false }) : text;
}

/**
 * Lays rows out in columns, two blanks apart. On a terminal lines are cut at its width, with an ellipsis; elsewhere
 * nothing is cut.
 */
export function formatTable(output: Output, header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column] ?? "").length)),
  );
  const line = (cells: readonly Cell[]) => {
    let room = output.width ?? Number.POSITIVE_INFINITY;
    let text = "";
    for (const [column, cell] of cells.entries()) {
      const isLast = column === cells.length - 1;
      const padded = isLast ? textOf(cell) : `${textOf(cell).padEnd(widths[column] ?? 0)}  `;
      const shown = padded.length > room ? `${padded.slice(0, Math.max(0, room - 1))}…` : padded;
      room -= shown.length;
      text += typeof cell === "string" ? shown : paint(output, cell.style, shown);
      if (room <= 0) break;
    }
    return `${text.trimEnd()}\n`;
  };
  return line(header.map((text) => ({ text, style: "bold" }) as const)) + rows.map(line).join("");
}
