// SPDX-License-Identifier: Apache-2.0

/** Widths in ems: what is at most needed in the wider of the usual sans-serif fonts (Verdana, DejaVu Sans). */
const narrow = /[ iIjl.,:;|!'()[\]]/;
const lean = /[frt]/;
const light = /[csz-]/;
const wide = /[mwMW@%…]/;
const capital = /[A-Z&#+=<>~]/;

function emsOf(character: string): number {
  if (narrow.test(character)) return 0.42;
  if (lean.test(character)) return 0.46;
  if (light.test(character)) return 0.56;
  if (wide.test(character)) return 1.02;
  if (capital.test(character)) return 0.84;
  return (character.codePointAt(0) ?? 0) < 0x250 ? 0.66 : 1.1;
}

/** An upper estimate of how wide a text is in a sans-serif font of this size, in its unit. Pure. */
export function textWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const character of text) ems += emsOf(character);
  return ems * fontSize;
}

/** The text, or as much of it as surely fits, with an ellipsis. Pure. */
export function fitText(text: string, fontSize: number, width: number): string {
  if (textWidth(text, fontSize) <= width) return text;
  let fitting = "";
  let used = textWidth("…", fontSize);
  for (const character of text) {
    used += textWidth(character, fontSize);
    if (used > width) break;
    fitting += character;
  }
  return `${fitting.trimEnd()}…`;
}
