// SPDX-License-Identifier: Apache-2.0
import type { ListedNodeDevice } from "./list-node-devices.ts";

type Named = Pick<ListedNodeDevice, "name" | "parent">;

/** Draws the devices below their parents as `virsh nodedev-list --tree` does (`vshTreePrint`), trailing blanks too. Pure. */
export function formatTree(devices: readonly Named[]): string {
  const children = new Map<string | null, Named[]>();
  for (const device of devices) {
    const siblings = children.get(device.parent);
    if (siblings === undefined) children.set(device.parent, [device]);
    else siblings.push(device);
  }
  const lines: string[] = [];
  const draw = (name: string, indent: string) => {
    const below = children.get(name) ?? [];
    if (below.length > 0) lines.push(`${indent}|`);
    for (const [index, child] of below.entries()) {
      const isLast = index === below.length - 1;
      lines.push(`${indent}+- ${child.name}`);
      draw(child.name, `${indent}${isLast ? " " : "|"}   `);
      if (isLast && !children.has(child.name)) lines.push(`${indent}  `);
    }
  };
  for (const root of children.get(null) ?? []) {
    lines.push(root.name);
    draw(root.name, "  ");
  }
  return lines.map((line) => `${line}\n`).join("");
}
