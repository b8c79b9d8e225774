// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from "node:path";
import { type Command, Option } from "commander";
import { HostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { readTopology, type TopologyNode } from "../../pci/topology.ts";
import { type Context, type Output, printJson } from "../context.ts";
import { type InventoryItem, readInventory, warnOfUnreadable } from "../inventory.ts";
import { toJsonItem } from "../json-item.ts";
import { renderHtml } from "../topology/html.ts";
import type { Caption } from "../topology/picture.ts";
import { renderSvg } from "../topology/svg.ts";
import { renderTree } from "../topology/tree.ts";
import { buildView } from "../topology/view.ts";
import { readUserNames } from "../user-names.ts";

interface TopologyOptions {
  readonly svg?: string;
  readonly html?: string;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev topology
  hostdev topology --html topology.html
  hostdev topology --svg - | rsvg-convert > topology.png`;

/** `hostdev topology`. */
export function topologyVerb(program: Command, context: Context): void {
  program
    .command("topology")
    .summary("draw buses, bridges and devices, with the IOMMU groups")
    .description(
      "Draws the tree of root buses, bridges and functions, with a verdict on each and the IOMMU groups round them: " +
        "what can only be lent together. On the terminal, or as a picture to keep or send.",
    )
    .addOption(new Option("--svg <file>", "write a picture; - for standard output").conflicts(["html", "json"]))
    .addOption(new Option("--html <file>", "write a page that opens in any browser, offline; - for standard output"))
    .addOption(new Option("--json", "print JSON").conflicts("html"))
    .addHelpText("after", examples)
    .action((options: TopologyOptions) => run(context, options));
}

async function run({ host, output }: Context, options: TopologyOptions): Promise<void> {
  const { items, unread, unreadable } = await readInventory(host);
  const rootBuses = readTopology(
    host,
    items.map((item) => item.function),
  );
  if (options.json) {
    const byAddress = new Map(items.map((item) => [item.function.address, item]));
    const list = rootBuses.map((bus) => ({
      ...bus,
      children: bus.children.map((node) => toJsonNode(node, byAddress)),
    }));
    return printJson(output, { version: 1, rootBuses: list, unread, unreadable });
  }
  warnOfUnreadable(output, unreadable);
  const view = buildView(rootBuses, items);
  if (options.svg !== undefined) return write(host, output, options.svg, renderSvg(view, await readCaption(host)));
  if (options.html !== undefined) return write(host, output, options.html, renderHtml(view, await readCaption(host)));
  output.print(view.cards.length === 0 ? "This machine has no PCI devices.\n" : renderTree(output, view));
}

function toJsonNode({ address, children }: TopologyNode, items: ReadonlyMap<string, InventoryItem>): object {
  const item = items.get(address);
  return { ...(item ? toJsonItem(item) : { address }), children: children.map((node) => toJsonNode(node, items)) };
}

async function readCaption(host: Host): Promise<Caption> {
  const machine = host.readText("/proc/sys/kernel/hostname")?.trim() || "this machine";
  const { uid } = host.self;
  return { machine, user: (await readUserNames(host, [uid]))(uid), at: host.now() };
}

/** Puts the picture in place of a file, or where there is none; never of a device, a link or a folder. */
function write(host: Host, output: Output, file: string, text: string): void {
  if (file === "-") return output.print(text);
  const path = resolve(file);
  const kind = host.status(path)?.kind ?? "file";
  const folder = dirname(path);
  const errno = host.status(folder) === undefined ? "ENOENT" : kind === "file" ? undefined : "EEXIST";
  if (errno !== undefined) {
    const state = errno === "ENOENT" ? `there is no folder ${folder}` : `it is no file, but a ${kind}`;
    throw new HostdevError("HD_FILE", `Cannot write ${path}: ${state}`, { path, operation: "write", errno });
  }
  host.writeFile(path, text, 0o644);
  output.print(`Wrote ${path}\n`);
}
