// SPDX-License-Identifier: Apache-2.0
import type { RootBus, TopologyNode } from "../../pci/topology.ts";
import type { InventoryItem } from "../inventory.ts";
import { type Card, missingCard, toCard } from "./card.ts";

/** A function, with what is behind it. */
export interface ViewNode {
  readonly card: Card;
  readonly clusters: readonly Cluster[];
}

/**
 * Neighbours on one bus that are in one IOMMU group, with all that is behind them; or one function that shares its
 * group with no neighbour.
 */
export interface Cluster {
  readonly nodes: readonly ViewNode[];
  /**
   * What the group's outline round them is called; `null` for no outline: a function alone in its group, or without
   * one, or with an outline further out. Where the members of a group are apart, each part has an outline.
   */
  readonly outline: string | null;
  /** Whether the outline goes round what is behind them too; else it holds the one function only. */
  readonly isWhole: boolean;
}

/** A root bus, with all that is on it. */
export interface ViewRoot {
  readonly name: string;
  /** The function that it hangs on (VMD). */
  readonly parent: string | null;
  readonly clusters: readonly Cluster[];
}

/** What all pictures are made from. */
export interface TopologyView {
  readonly roots: readonly ViewRoot[];
  /** In the order of the tree. */
  readonly cards: readonly Card[];
}

/** Arranges functions for a picture: the tree of buses, with the groups as outlines in it. Pure. */
export function buildView(rootBuses: readonly RootBus[], items: readonly InventoryItem[]): TopologyView {
  const sizes = new Map<number | null, number>();
  for (const { function: device } of items) sizes.set(device.group, (sizes.get(device.group) ?? 0) + 1);
  const isAlone = (group: number | null) => group !== null && sizes.get(group) === 1;
  const found = new Map(items.map((item) => [item.function.address, toCard(item, isAlone(item.function.group))]));
  const cardOf = ({ address }: TopologyNode) => found.get(address) ?? missingCard(address);

  const cards: Card[] = [];
  const parts = new Map<number, Growing[]>();
  const toClusters = (nodes: readonly TopologyNode[], outer: number | null): readonly Cluster[] =>
    runsOf(nodes, cardOf).map(({ run, group, isWhole }) => {
      const cluster: Growing = { outline: null, isWhole, nodes: [] };
      const isOutlined = group !== null && group !== outer && !isAlone(group);
      if (isOutlined) {
        cluster.outline = `group ${group}`;
        parts.set(group, [...(parts.get(group) ?? []), cluster]);
      }
      for (const node of run) {
        const card = cardOf(node);
        cards.push(card);
        const clusters = toClusters(node.children, isOutlined && isWhole ? group : outer);
        cluster.nodes.push({ card, clusters });
      }
      return cluster;
    });
  const roots = rootBuses.map(({ name, parent, children }) => ({ name, parent, clusters: toClusters(children, null) }));
  for (const [group, clusters] of parts) {
    for (const [index, cluster] of clusters.entries()) {
      if (clusters.length > 1) cluster.outline = `group ${group}, part ${index + 1} of ${clusters.length}`;
    }
  }
  return { roots, cards };
}

interface Growing {
  outline: string | null;
  readonly isWhole: boolean;
  readonly nodes: ViewNode[];
}

interface Run {
  readonly run: TopologyNode[];
  readonly group: number | null;
  readonly isWhole: boolean;
}

/** Puts neighbours together that one outline can go round, with all that is behind them. */
function runsOf(nodes: readonly TopologyNode[], cardOf: (node: TopologyNode) => Card): readonly Run[] {
  const isWhole = (node: TopologyNode, group = cardOf(node).group): boolean =>
    node.children.every((child) => cardOf(child).group === group && isWhole(child, group));
  const runs: Run[] = [];
  for (const node of nodes) {
    const next = { run: [node], group: cardOf(node).group, isWhole: isWhole(node) };
    const last = runs.at(-1);
    if (last?.isWhole && next.isWhole && next.group !== null && last.group === next.group) last.run.push(node);
    else runs.push(next);
  }
  return runs;
}
