// SPDX-License-Identifier: Apache-2.0
import { type Card, deviceText } from "./card.ts";
import { countVerdicts, looks, pageColours, verdictRules } from "./palette.ts";
import { type Caption, escapeText, hasOutlines, outlineText, subtitleText, titleText } from "./picture.ts";
import type { Cluster, TopologyView } from "./view.ts";

/**
 * Draws the topology as one HTML page that needs nothing else, and no script. It fits itself to any width, light and
 * dark; each function opens to all there is to say of it. Pure.
 */
export function renderHtml(view: TopologyView, caption: Caption): string {
  const title = escapeText(titleText(caption));
  const legend = countVerdicts(view.cards).map(
    ([kind, count]) => `<li><i class="box ${kind}"></i>${looks[kind].words} (${count})</li>`,
  );
  if (hasOutlines(view)) legend.push(`<li><i class="outline"></i>${outlineText}</li>`);
  const roots = view.roots.map(({ name, parent, clusters }) => {
    const behind = parent === null ? "" : ` <small>behind ${parent}</small>`;
    return `<section><h2>${name}${behind}</h2>\n${drawBus(clusters)}</section>`;
  });
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>
${stylesheet()}
</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p>${escapeText(subtitleText(caption, view))}. Open a function for more.</p>
<ul class="legend">${legend.join("")}</ul>
</header>
<main>
${roots.join("\n")}
</main>
</body>
</html>
`;
}

function drawBus(clusters: readonly Cluster[]): string {
  return `<div class="bus">\n${clusters.map(drawCluster).join("")}</div>\n`;
}

function drawCluster({ outline, isWhole, nodes }: Cluster): string {
  const outlined = (body: string) =>
    outline === null ? body : `<fieldset><legend>${outline}</legend>\n${body}</fieldset>\n`;
  const drawn = nodes.map(({ card, clusters }) => {
    const own = isWhole ? drawCard(card) : outlined(drawCard(card));
    return clusters.length === 0 ? own : `<div class="branch">\n${own}${drawBus(clusters)}</div>\n`;
  });
  return isWhole ? outlined(drawn.join("")) : drawn.join("");
}

function drawCard(card: Card): string {
  const { address, verdict, verdictText, facts } = card;
  const group = card.isAlone ? ` <small>group ${card.group}</small>` : "";
  const rows = facts.map(([term, text]) => `<dt>${term}</dt><dd>${escapeText(text)}</dd>`);
  return (
    `<details class="box ${verdict}"><summary><b>${address}</b>${group}<span>${escapeText(deviceText(card))}</span>` +
    `<strong>${escapeText(verdictText)}</strong></summary><dl>${rows.join("")}</dl></details>\n`
  );
}

function stylesheet(): string {
  const borders = Object.entries(looks).map(([kind, { border }]) => `.box.${kind}{border-style:${border}}`);
  return `:root{${variables("light")}}
@media (prefers-color-scheme:dark){:root{${variables("dark")}}}
*{box-sizing:border-box}
body{margin:0;padding:1.5rem clamp(.75rem,3vw,2.5rem);background:var(--page);color:var(--text);
font:.875rem/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
h1{font-size:1.5rem;margin:0}
h2{font-size:1rem;margin:1.75rem 0 .6rem}
header p,small{color:var(--faint)}
header p{margin:.25rem 0 .9rem}
.legend{display:flex;flex-wrap:wrap;gap:.35rem 1.25rem;margin:0;padding:0;list-style:none}
.legend i{display:inline-block;width:1.4em;height:1em;margin-right:.45em;vertical-align:-.12em}
.box{border:1.5px solid var(--edge);border-left:5px solid var(--edge);border-radius:5px;background:var(--fill)}
.outline,fieldset{border:1.5px solid var(--outline);border-radius:9px;background:var(--area)}
fieldset{display:flex;flex-wrap:wrap;align-items:flex-start;gap:.6rem;min-width:0;margin:0;padding:.3rem .6rem .6rem}
fieldset legend{padding:0 .4rem;font-weight:600;color:var(--outline)}
.bus{display:flex;flex:1;flex-wrap:wrap;align-items:flex-start;gap:.6rem;min-width:0;padding-left:1.1rem;border-left:2px solid var(--line)}
.branch{display:flex;flex:1 0 100%;align-items:flex-start;gap:.9rem;min-width:0}
@media (max-width:56rem){.branch{display:block}.branch>.bus{margin:.6rem 0 0 .5rem;padding-left:.8rem}}
details{width:17rem;max-width:100%;padding:.3rem .6rem .4rem;overflow-wrap:anywhere}
details.bridge{width:14rem}
summary{display:grid;grid-template-columns:1fr auto;align-items:baseline;cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary span,summary strong{grid-column:1/-1}
summary span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
summary strong{font-weight:600}
summary:focus-visible{outline:2px solid var(--edge);outline-offset:3px}
details[open]{width:26rem}
details[open] span{white-space:normal}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .75rem;margin:.5rem 0 0;padding-top:.4rem;border-top:1px solid var(--edge)}
dt{color:var(--faint)}
dd{margin:0}
${borders.join("")}
${verdictRules("light", (kind, { fill, edge }) => `.${kind}{--fill:${fill};--edge:${edge}}`)}
@media (prefers-color-scheme:dark){${verdictRules("dark", (kind, { fill, edge }) => `.${kind}{--fill:${fill};--edge:${edge}}`)}}`;
}

function variables(scheme: "light" | "dark"): string {
  return Object.entries(pageColours[scheme])
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(";");
}
