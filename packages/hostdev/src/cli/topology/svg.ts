// SPDX-License-Identifier: Apache-2.0
import { fontSizes, type TextBox, type TextStyle } from "./card-texts.ts";
import { type Layout, layOut, type PlacedCard } from "./layout.ts";
import { countVerdicts, looks, pageColours, verdictRules } from "./palette.ts";
import { type Caption, escapeText, hasOutlines, outlineText, subtitleText, titleText } from "./picture.ts";
import { textWidth } from "./text-width.ts";
import type { TopologyView } from "./view.ts";

const margin = 24;
/** Baselines of title and subtitle, and the top of the legend. */
const titleY = 40;
const subtitleY = 62;
const legendY = 78;
const legendRow = 22;

/**
 * Draws the topology as one SVG file that needs nothing else: colours follow the reader's light or dark scheme, every
 * function has a tooltip with all there is to say. Pure.
 */
export function renderSvg(view: TopologyView, caption: Caption): string {
  const layout = layOut(view);
  const title = titleText(caption);
  const subtitle = subtitleText(caption, view);
  const least = Math.ceil(Math.max(textWidth(title, 20 * 1.12), textWidth(subtitle, 12), 480));
  const width = Math.max(layout.width, least);
  const legend = placeLegend(view, width);
  const top = legendY + legend.rows * legendRow + 18;
  const fullWidth = width + 2 * margin;
  const fullHeight = top + layout.height + margin;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${fullWidth}" height="${fullHeight}" viewBox="0 0 ${fullWidth} ${fullHeight}" role="img" aria-labelledby="title">`,
    `<title id="title">${escapeText(title)}</title>`,
    `<style>${stylesheet()}</style>`,
    `<rect class="page" width="${fullWidth}" height="${fullHeight}"/>`,
    `<text class="heading" x="${margin}" y="${titleY}">${escapeText(title)}</text>`,
    `<text class="subtitle" x="${margin}" y="${subtitleY}">${escapeText(subtitle)}</text>`,
    `<g transform="translate(${margin} ${legendY})">${legend.text}</g>`,
    `<g transform="translate(${margin} ${top})">`,
    drawTopology(layout),
    "</g>",
    "</svg>\n",
  ].join("\n");
}

function drawTopology({ lines, outlines, cards }: Layout): string {
  return [
    ...outlines.map(({ x, y, width, height }) => rectangle("outline", { x, y, width, height }, 10)),
    ...lines.map(({ x1, y1, x2, y2 }) => `<path class="line" d="M${x1} ${y1}L${x2} ${y2}"/>`),
    ...outlines.map(({ label }) => drawText(label)),
    ...cards.map(drawCard),
  ].join("\n");
}

function drawCard({ kind, title, texts, ...box }: PlacedCard): string {
  const stripe = kind === "root" ? "" : rectangle("stripe", { ...box, width: 4 }, 2);
  return `<g class="card ${kind}"><title>${escapeText(title)}</title>${rectangle("box", box, 5)}${stripe}${texts.map(drawText).join("")}</g>`;
}

function rectangle(name: string, box: { x: number; y: number; width: number; height: number }, radius: number): string {
  return `<rect class="${name}" x="${box.x}" y="${box.y}" width="${box.width}" height="${box.height}" rx="${radius}"/>`;
}

function drawText({ text, style, x, y, width }: TextBox): string {
  const left = style === "group" ? x + width : x;
  return `<text class="${style}" x="${left}" y="${y + fontSizes[style]}">${escapeText(text)}</text>`;
}

/** The verdicts that there are, each with its border and colour, and what an outline means. */
function placeLegend(view: TopologyView, width: number): { readonly text: string; readonly rows: number } {
  const entries: (readonly [string, string])[] = countVerdicts(view.cards).map(([kind, count]) => [
    `card ${kind}`,
    `${looks[kind].words} (${count})`,
  ]);
  if (hasOutlines(view)) entries.push(["", outlineText]);
  let x = 0;
  let rows = 1;
  const drawn = entries.map(([name, words]) => {
    const entryWidth = 26 + Math.ceil(textWidth(words, 12)) + 18;
    if (x > 0 && x + entryWidth > width) {
      x = 0;
      rows += 1;
    }
    const y = (rows - 1) * legendRow;
    const swatch = rectangle(name === "" ? "outline" : "box", { x, y, width: 20, height: 14 }, 4);
    const text = `<text class="legend" x="${x + 26}" y="${y + 11}">${escapeText(words)}</text>`;
    x += entryWidth;
    return `<g class="${name}">${swatch}${text}</g>`;
  });
  return { text: drawn.join(""), rows };
}

/** Colours in plain rules, since not every viewer knows variables; those that know no schemes show the light one. */
function stylesheet(): string {
  const sizes = (Object.keys(fontSizes) as TextStyle[]).map((style) => `.${style}{font-size:${fontSizes[style]}px}`);
  const borders = { solid: "", dashed: "stroke-dasharray:6 3", dotted: "stroke-dasharray:2 3" };
  const dashes = Object.entries(looks).map(([kind, { border }]) =>
    borders[border] === "" ? "" : `.${kind} .box{${borders[border]}}`,
  );
  return [
    "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',Verdana,sans-serif}",
    ".heading{font-size:20px;font-weight:700}.subtitle,.legend{font-size:12px}",
    ".address,.verdict,.outline{font-weight:700}",
    ".group{text-anchor:end}.line{stroke-width:1.5;fill:none}.box{stroke-width:1.5}rect.outline{stroke-width:1.5}",
    ...sizes,
    ...dashes,
    schemeRules("light"),
    `@media (prefers-color-scheme:dark){${schemeRules("dark")}}`,
  ].join("");
}

function schemeRules(scheme: "light" | "dark"): string {
  const { page, text, faint, line, outline, area } = pageColours[scheme];
  return [
    `.page{fill:${page}}text{fill:${text}}.subtitle,.group{fill:${faint}}.line{stroke:${line}}`,
    `rect.outline{fill:${area};stroke:${outline}}text.outline{fill:${outline}}`,
    `.root .box{fill:${page};stroke:${line}}`,
    verdictRules(
      scheme,
      (kind, { fill, edge }) => `.${kind} .box{fill:${fill};stroke:${edge}}.${kind} .stripe{fill:${edge}}`,
    ),
  ].join("");
}
