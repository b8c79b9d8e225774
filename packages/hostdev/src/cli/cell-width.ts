// SPDX-License-Identifier: Apache-2.0

// Twice as wide as a Latin letter on a terminal (East Asian wide and full width, Unicode UAX 11; emoji).
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

function widthOf(character: string): number {
  if (/\p{M}/u.test(character)) return 0; // drawn over the one before
  return wide.test(character) ? 2 : 1;
}

/** How many columns of a terminal a text takes up. Pure. */
export function cellWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length; // nearly all are
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The text, or as much of it as fits into so many columns, with an ellipsis. Pure. */
export function cutText(text: string, width: number): string {
  if (cellWidth(text) <= width) return text;
  let cut = "";
  let room = width - 1;
  for (const character of text) {
    room -= widthOf(character);
    if (room < 0) break;
    cut += character;
  }
  return width < 1 ? "" : `${cut}…`;
}
