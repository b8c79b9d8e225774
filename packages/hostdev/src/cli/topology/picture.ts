// SPDX-License-Identifier: Apache-2.0
import type { TopologyView } from "./view.ts";

/** What a picture says of itself. */
export interface Caption {
  readonly machine: string;
  /** Who looked: what is ready for one user is lent for another. */
  readonly user: string;
  readonly at: Date;
}

/** The title of a picture. Pure. */
export function titleText({ machine }: Caption): string {
  return `PCI topology of ${machine}`;
}

/** Below the title. Pure. */
export function subtitleText({ user, at }: Caption, { cards }: TopologyView): string {
  const groups = new Set(cards.flatMap(({ group }) => group ?? [])).size;
  const time = at
    .toISOString()
    .replace("T", " ")
    .replace(/:\d\d\..*/, " UTC");
  return `${cards.length} functions, ${groups} IOMMU groups, as ${user} sees it, ${time}`;
}

/** Whether any group has more than one function, and so an outline. Pure. */
export function hasOutlines({ cards }: TopologyView): boolean {
  return cards.some(({ group, isAlone }) => group !== null && !isAlone);
}

/** What an outline means, in a legend. */
export const outlineText = "outline: one IOMMU group, lent as a whole or not at all";

/** Makes a text safe inside XML and HTML, in attributes too. Pure. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
