// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { readXml } from "./reader.ts";
import { escapeXml, writeXml } from "./writer.ts";

test("writeXml() indents by two, quotes singly, and closes empty elements at once", () => {
  const text = writeXml({
    name: "a",
    attributes: [
      ["x", "1"],
      ["y", undefined],
    ],
    children: [
      { name: "b", attributes: [], children: [], text: "one" },
      { name: "c", attributes: [], children: [] },
    ],
  });
  assert.equal(text, "<a x='1'>\n  <b>one</b>\n  <c/>\n</a>\n");
});

test("escapeXml() makes every text read back as itself", () => {
  const text = "a'b\"c<d>e&f\tg\nh\ri";
  assert.equal(readXml(`<a b='${escapeXml(text)}'/>`).attributes[0]?.value, text);
  assert.equal(readXml(`<a>${escapeXml(text)}</a>`).text, text);
});
