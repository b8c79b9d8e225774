// SPDX-License-Identifier: Apache-2.0
import type { Output } from "../context.ts";
import { type Cell, type Column, formatTable } from "../table.ts";
import { type Card, deviceText } from "./card.ts";
import { looks } from "./palette.ts";
import type { Cluster, TopologyView } from "./view.ts";

/** A line of the tree: a function or, without a card, a root bus. */
interface Line {
  readonly tree: string;
  readonly card: Card | undefined;
}

const columns: readonly Column[] = [
  "GROUP",
  "ADDRESS",
  { title: "VERDICT", least: 20 },
  { title: "DRIVER", least: 8 },
  { title: "DEVICE", least: 16 },
];

/**
 * Draws the tree for a terminal, a function a line. On its left are the groups: a bracket spans neighbouring lines of
 * one group. Without colour the words say the same.
 */
export function renderTree(output: Output, view: TopologyView): string {
  const lines = view.roots.flatMap(({ name, parent, clusters }) => [
    { tree: parent === null ? name : `${name}, behind ${parent}`, card: undefined },
    ...drawClusters(clusters, ""),
  ]);
  const digits = Math.max(...lines.map(({ card }) => String(card?.group ?? "").length));
  const rows = lines.map(({ tree, card }, index): readonly Cell[] => {
    if (card === undefined) return ["", { text: tree, style: "bold" }];
    const group = `${String(card.group ?? "-").padStart(digits)} ${bracket(lines, index)}`;
    const verdict = { text: card.verdictText, style: looks[card.verdict].terminal };
    return [group, tree, verdict, card.driver ?? "-", deviceText(card)];
  });
  return formatTable(output, columns, rows);
}

function drawClusters(clusters: readonly Cluster[], indent: string): readonly Line[] {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  return nodes.flatMap(({ card, clusters: behind }, index) => {
    const isLast = index === nodes.length - 1;
    return [
      { tree: `${indent}${isLast ? "└─" : "├─"} ${card.address}`, card },
      ...drawClusters(behind, `${indent}${isLast ? "   " : "│  "}`),
    ];
  });
}

function bracket(lines: readonly Line[], index: number): string {
  const group = lines[index]?.card?.group ?? null;
  const isSame = (other: number) => group !== null && lines[other]?.card?.group === group;
  if (isSame(index - 1)) return isSame(index + 1) ? "│" : "┘";
  return isSame(index + 1) ? "┐" : " ";
}
