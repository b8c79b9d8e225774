// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { looks, pageColours } from "./palette.ts";

/** Relative luminance and contrast (WCAG 2.1). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(a: string, b: string): number {
  const [lighter = 0, darker = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (lighter + 0.05) / (darker + 0.05);
}

for (const scheme of ["light", "dark"] as const) {
  test(`looks: text and borders stand out, ${scheme}`, () => {
    const { page, text, faint, line, outline, area } = pageColours[scheme];
    for (const { words, [scheme]: colours } of Object.values(looks)) {
      assert.ok(contrast(text, colours.fill) >= 7, `text on ${words}`);
      assert.ok(contrast(faint, colours.fill) >= 4.5, `group on ${words}`);
      for (const ground of [page, area]) assert.ok(contrast(colours.edge, ground) >= 3, `border of ${words}`);
    }
    for (const ground of [page, area]) {
      assert.ok(contrast(outline, ground) >= 4.5, "name of a group");
      assert.ok(contrast(line, ground) >= 3, "line");
    }
    assert.ok(contrast(faint, page) >= 4.5, "subtitle");
  });
}

test("looks: those of one colour differ in their border or their words", () => {
  const seen = Object.values(looks).map(({ light, border, words }) => `${light.edge} ${border} ${words}`);
  assert.equal(new Set(seen).size, seen.length);
});
