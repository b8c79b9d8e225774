// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from "../../vfio/verdict.ts";
import type { Card } from "./card.ts";
import { type Box, placeText, placeTexts, type TextBox, textsOf, titleOf } from "./card-texts.ts";
import type { Cluster, TopologyView, ViewNode } from "./view.ts";

export interface PlacedCard extends Box {
  readonly kind: Verdict["kind"] | "root";
  readonly title: string;
  readonly texts: readonly TextBox[];
}

export interface Outline extends Box {
  readonly label: TextBox;
}

/** A connecting line, upright or level. */
export interface Line {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Where everything of a picture is. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly cards: readonly PlacedCard[];
  readonly outlines: readonly Outline[];
  readonly lines: readonly Line[];
}

const leaf = { width: 292, height: 62 };
const bridge = { width: 232, height: 44 };
/** Between a bridge and what is behind it; between neighbours; round the cards in an outline. */
const gap = { column: 44, row: 10, outline: 8 };
/** Above the cards in an outline, for its name. */
const labelHeight = 20;
/** Where the line reaches a card, from its top. */
const stemY = 22;

/** The narrowest picture that is at most twice as high as wide; at most four functions side by side. */
export function layOut(view: TopologyView): Layout {
  let layout = new Drawing(1).draw(view);
  for (let columns = 2; columns <= 4 && layout.height > Math.max(1000, 2 * layout.width); columns++) {
    layout = new Drawing(columns).draw(view);
  }
  return layout;
}

/** What a part of the picture takes up, and at which heights lines lead into it. */
interface Extent {
  readonly right: number;
  readonly bottom: number;
  readonly stems: readonly { readonly y: number; readonly x: number }[];
}

class Drawing {
  readonly #cards: PlacedCard[] = [];
  readonly #outlines: Outline[] = [];
  readonly #lines: Line[] = [];
  readonly #columns: number;

  /** @param columns how many functions may stand side by side on one bus. */
  constructor(columns: number) {
    this.#columns = columns;
  }

  draw(view: TopologyView): Layout {
    let width = 0;
    let y = 0;
    for (const { name, parent, clusters } of view.roots) {
      const text = parent === null ? "root bus" : `root bus behind ${parent}`;
      const box = { x: 0, y, ...bridge };
      const texts = placeTexts(box, [
        [name, "address"],
        [text, "name"],
      ]);
      this.#cards.push({ ...box, kind: "root", title: `${name}, ${text}`, texts });
      const { right, bottom } = this.#placeBehind(box, clusters, box.width);
      width = Math.max(width, right);
      y = Math.max(bottom, y + box.height) + 3 * gap.row;
    }
    const height = Math.max(0, y - 3 * gap.row);
    return { width, height, cards: this.#cards, outlines: this.#outlines, lines: this.#lines };
  }

  /** What is behind a bridge or on a root bus, with the lines to it. */
  #placeBehind(from: Box, clusters: readonly Cluster[], right: number): Extent {
    const trunk = right + gap.column / 2;
    const extent = this.#placeBus(clusters, right + gap.column, from.y);
    const last = extent.stems.at(-1);
    if (last === undefined) return extent;
    const y = from.y + stemY;
    this.#lines.push({ x1: from.x + from.width, y1: y, x2: trunk, y2: y });
    this.#lines.push({ x1: trunk, y1: y, x2: trunk, y2: last.y });
    for (const stem of extent.stems) this.#lines.push({ x1: trunk, y1: stem.y, x2: stem.x, y2: stem.y });
    return extent;
  }

  /** All clusters of one bus: several in a row where they have nothing behind them and fit. */
  #placeBus(clusters: readonly Cluster[], x: number, top: number): Extent {
    const stems: { y: number; x: number }[] = [];
    let right = x;
    let y = top;
    for (const row of this.#rowsOf(clusters)) {
      const cardsY = y + (row.some(({ outline }) => outline !== null) ? labelHeight : 0);
      let rowX = x;
      let rowBottom = y;
      for (const cluster of row) {
        const extent = this.#placeCluster(cluster, rowX, cardsY);
        for (const stem of extent.stems) {
          const same = stems.findIndex((other) => other.y === stem.y);
          if (same === -1) stems.push(stem);
          else stems[same] = stem; // further to the right in the same row
        }
        rowX = extent.right + gap.row;
        right = Math.max(right, extent.right);
        rowBottom = Math.max(rowBottom, extent.bottom);
      }
      y = rowBottom + gap.row;
    }
    return { right, bottom: y - gap.row, stems };
  }

  #rowsOf(clusters: readonly Cluster[]): readonly (readonly Cluster[])[] {
    const rows: Cluster[][] = [];
    let room = 0;
    for (const cluster of clusters) {
      const wanted = isFlat(cluster) ? Math.min(cluster.nodes.length, this.#columns) : this.#columns;
      const row = rows.at(-1);
      if (row !== undefined && wanted <= room) row.push(cluster);
      else {
        rows.push([cluster]);
        room = this.#columns;
      }
      room -= wanted;
    }
    return rows;
  }

  /** @param cardsY where its cards begin; an outline begins further up. */
  #placeCluster(cluster: Cluster, left: number, cardsY: number): Extent {
    const { outline, nodes, isWhole } = cluster;
    const pad = outline === null ? 0 : gap.outline;
    const x = left + pad;
    const columns = isFlat(cluster) ? this.#columns : 1;
    const stems: { y: number; x: number }[] = [];
    let right = x;
    let y = cardsY;
    let rowBottom = y;
    for (const [index, node] of nodes.entries()) {
      const column = index % columns;
      if (column === 0 && index > 0) y = rowBottom + gap.row;
      const nodeX = x + column * (leaf.width + gap.row);
      const extent = this.#placeNode(node, nodeX, y, isWhole ? 0 : pad);
      if (column === 0) stems.push({ y: y + stemY, x: nodeX });
      else stems[stems.length - 1] = { y: y + stemY, x: nodeX };
      right = Math.max(right, extent.right);
      rowBottom = Math.max(rowBottom, extent.bottom);
    }
    if (outline === null) return { right, bottom: rowBottom, stems };
    const only = sizeOf(nodes[0]?.card);
    const inner = isWhole ? { right, bottom: rowBottom } : { right: x + only.width, bottom: cardsY + only.height };
    const box = {
      x: left,
      y: cardsY - labelHeight,
      width: inner.right + pad - left,
      height: inner.bottom + pad - (cardsY - labelHeight),
    };
    const label = placeText(outline, "outline", left + pad + 2, box.y + 3, box.width - 2 * pad);
    this.#outlines.push({ ...box, label });
    return { right: Math.max(right, box.x + box.width), bottom: Math.max(rowBottom, box.y + box.height), stems };
  }

  /** @param pad between the card and the outline that is round it alone. */
  #placeNode({ card, clusters }: ViewNode, x: number, y: number, pad: number): Extent {
    const size = sizeOf(card);
    const box = { x, y, ...size };
    const group = card.isAlone ? `group ${card.group}` : undefined;
    this.#cards.push({
      ...box,
      kind: card.verdict,
      title: titleOf(card),
      texts: placeTexts(box, textsOf(card), group),
    });
    if (clusters.length === 0) return { right: x + size.width, bottom: y + size.height, stems: [] };
    const behind = this.#placeBehind(box, clusters, x + size.width + pad);
    return { ...behind, bottom: Math.max(behind.bottom, y + size.height) };
  }
}

function sizeOf(card: Card | undefined): Pick<Box, "width" | "height"> {
  return card?.verdict === "bridge" ? bridge : leaf;
}

function isFlat({ nodes }: Cluster): boolean {
  return nodes.every((node) => node.clusters.length === 0);
}
