// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { cellWidth, cutText } from "./cell-width.ts";
import { type Column, formatTable } from "./table.ts";

const output = (width?: number, hasColour = false) => ({ print: () => {}, warn: () => {}, width, hasColour });
const columns: readonly Column[] = ["ID", { title: "NAME", least: 6 }, { title: "WHAT", least: 5 }];
const rows = [
  ["1", "a long name", "a long text"],
  ["22", "short", { text: "text", style: "green" as const }],
];

test("formatTable() aligns columns, and cuts nothing where there is no terminal", () => {
  assert.equal(
    formatTable(output(), columns, rows),
    "ID  NAME         WHAT\n1   a long name  a long text\n22  short        text\n",
  );
});

test("formatTable() narrows the last column first, then the others from the left, and never one without a least width", () => {
  assert.equal(formatTable(output(23), columns, rows).split("\n")[1], "1   a long name  a lon…");
  assert.equal(formatTable(output(17), columns, rows).split("\n")[1], "1   a lon…  a lo…");
  assert.equal(formatTable(output(9), columns, rows).split("\n")[1], "1   a lo…");
});

test("formatTable() colours cells only where colours are allowed, and says the same without", () => {
  const coloured = formatTable(output(undefined, true), columns, rows);
  assert.ok(coloured.includes("\u001b[32mtext"));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is taken out
  const plain = coloured.replace(/\u001b\[\d+m/g, "");
  assert.equal(plain.replace(/ +$/gm, ""), formatTable(output(), columns, rows));
});

test("formatTable() keeps what steers terminals out of cells, and a row on its line", () => {
  const table = formatTable(output(), ["A", "B"], [["x\u001b[2Jy\nz", "\u202eright to left"]]);
  assert.equal(table, "A               B\nx\\x1b[2Jy\\x0az  \\u202eright to left\n");
});

test("cellWidth() and cutText() count columns, not characters", () => {
  assert.equal(cellWidth("網路卡"), 6);
  assert.equal(cellWidth("e\u0301"), 1);
  assert.equal(cutText("網路卡", 5), "網路…");
  assert.equal(cutText("網路卡", 4), "網…");
  assert.equal(cutText("abc", 3), "abc");
  assert.equal(cutText("abc", 0), "");
});
