// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from "../../vfio/verdict.ts";
import type { Style } from "../table.ts";

type Kind = Verdict["kind"];

/** How a verdict looks. Words and border tell it too: no picture rests on colour alone. */
export interface Look {
  /** In a legend. */
  readonly words: string;
  readonly terminal: Style;
  readonly border: "solid" | "dashed" | "dotted";
  readonly light: Colours;
  readonly dark: Colours;
}

export interface Colours {
  /** Behind text. */
  readonly fill: string;
  /** Border, at least 3:1 against the page (WCAG 2.1, 1.4.11). */
  readonly edge: string;
}

/** Of the page, and of what is on it whatever the verdict; text has at least 4.5:1 against all that it is on. */
export const pageColours = {
  light: { page: "#ffffff", text: "#1b1f24", faint: "#57606a", line: "#7d8791", outline: "#6e40aa", area: "#f6f2fb" },
  dark: { page: "#14171c", text: "#e8ebef", faint: "#a5afba", line: "#6e7681", outline: "#b794f4", area: "#1d1a27" },
} as const;

/** In the order of a legend: first what the user can have. */
export const looks: Readonly<Record<Kind, Look>> = {
  ready: {
    words: "ready: lent to you",
    terminal: "green",
    border: "solid",
    light: { fill: "#dcf5e0", edge: "#187a32" },
    dark: { fill: "#16351f", edge: "#4fc46b" },
  },
  grantable: {
    words: "grantable",
    terminal: "cyan",
    border: "solid",
    light: { fill: "#dcf1f7", edge: "#0b7285" },
    dark: { fill: "#12323a", edge: "#4cc0d6" },
  },
  lent: {
    words: "lent",
    terminal: "blue",
    border: "solid",
    light: { fill: "#e0eaff", edge: "#2456c5" },
    dark: { fill: "#1a2a4d", edge: "#7aa5ff" },
  },
  prepared: {
    words: "on vfio, not lent",
    terminal: "blue",
    border: "dashed",
    light: { fill: "#e0eaff", edge: "#2456c5" },
    dark: { fill: "#1a2a4d", edge: "#7aa5ff" },
  },
  held: {
    words: "held, given to nobody",
    terminal: "magenta",
    border: "dotted",
    light: { fill: "#f9e3f5", edge: "#9c2a86" },
    dark: { fill: "#3a1a35", edge: "#e77fd3" },
  },
  "in-use": {
    words: "in use by host",
    terminal: "yellow",
    border: "dashed",
    light: { fill: "#fdeed3", edge: "#9a5b00" },
    dark: { fill: "#3a2a10", edge: "#e0a440" },
  },
  blocked: {
    words: "blocked by a mate of its group",
    terminal: "yellow",
    border: "dotted",
    light: { fill: "#fde4e1", edge: "#b42a1e" },
    dark: { fill: "#401d1a", edge: "#f28b80" },
  },
  quarantined: {
    words: "in quarantine",
    terminal: "red",
    border: "dashed",
    light: { fill: "#fde4e1", edge: "#b42a1e" },
    dark: { fill: "#401d1a", edge: "#f28b80" },
  },
  bridge: {
    words: "bridge: stays with the host",
    terminal: "dim",
    border: "solid",
    light: { fill: "#eef1f4", edge: "#6b7681" },
    dark: { fill: "#23282f", edge: "#8b949e" },
  },
  platform: {
    words: "part of the platform: stays with the host",
    terminal: "dim",
    border: "solid",
    light: { fill: "#eef1f4", edge: "#6b7681" },
    dark: { fill: "#23282f", edge: "#8b949e" },
  },
  "no-group": {
    words: "no IOMMU group",
    terminal: "dim",
    border: "dotted",
    light: { fill: "#eef1f4", edge: "#6b7681" },
    dark: { fill: "#23282f", edge: "#8b949e" },
  },
};

/** Which verdicts a picture has, and how often, in the order of `looks`. */
export function countVerdicts(cards: readonly { readonly verdict: Kind }[]): readonly (readonly [Kind, number])[] {
  return (Object.keys(looks) as Kind[])
    .map((kind) => [kind, cards.filter((card) => card.verdict === kind).length] as const)
    .filter(([, count]) => count > 0);
}

/** The rules of a stylesheet that give each verdict its colours, for one scheme. */
export function verdictRules(scheme: "light" | "dark", rule: (kind: Kind, colours: Colours) => string): string {
  return (Object.keys(looks) as Kind[]).map((kind) => rule(kind, looks[kind][scheme])).join("");
}
