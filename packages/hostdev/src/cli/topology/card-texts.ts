// SPDX-License-Identifier: Apache-2.0
import { type Card, deviceText } from "./card.ts";
import { fitText, textWidth } from "./text-width.ts";

/** All in CSS pixels, from the top left. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type TextStyle = "address" | "name" | "verdict" | "group" | "outline";

/** A text that fits its box. */
export interface TextBox extends Box {
  readonly text: string;
  readonly style: TextStyle;
}

/** In CSS pixels. */
export const fontSizes: Readonly<Record<TextStyle, number>> = {
  address: 12,
  name: 11,
  verdict: 11,
  group: 10,
  outline: 11,
};

const sidePadding = 10;

/** Everything of a function, for a tooltip. Pure. */
export function titleOf({ address, facts }: Card): string {
  return [address, ...facts.map(([name, text]) => `${name}: ${text}`)].join("\n");
}

/** The lines of a card. Pure. */
export function textsOf(card: Card): readonly (readonly [string, TextStyle])[] {
  if (card.verdict === "bridge")
    return [
      [card.address, "address"],
      [`${card.verdictText}: ${card.name}`, "name"],
    ];
  return [
    [card.address, "address"],
    [deviceText(card), "name"],
    [card.verdictText, "verdict"],
  ];
}

/** Places the lines of a card from its top left, and the group at its top right. Pure. */
export function placeTexts(
  box: Box,
  lines: readonly (readonly [string, TextStyle])[],
  group?: string,
): readonly TextBox[] {
  const room = box.width - 2 * sidePadding;
  const groupWidth = group === undefined ? 0 : Math.ceil(textWidth(group, fontSizes.group));
  const texts = lines.map(([text, style], index) =>
    placeText(text, style, box.x + sidePadding, box.y + 5 + index * 17, index === 0 ? room - groupWidth : room),
  );
  if (group === undefined) return texts;
  return [...texts, placeText(group, "group", box.x + box.width - sidePadding - groupWidth, box.y + 6, groupWidth)];
}

/** Places a text, cut to the room that it has. Pure. */
export function placeText(text: string, style: TextStyle, x: number, y: number, room: number): TextBox {
  const size = fontSizes[style] * (style === "name" || style === "group" ? 1 : 1.12); // bold is wider
  const fitted = fitText(text, size, room);
  return {
    x,
    y,
    width: Math.ceil(textWidth(fitted, size)),
    height: Math.ceil(fontSizes[style] * 1.3),
    text: fitted,
    style,
  };
}
