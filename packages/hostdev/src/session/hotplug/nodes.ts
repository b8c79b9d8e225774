// SPDX-License-Identifier: Apache-2.0
import type { VmProcess } from "../vm-process.ts";

const ours = /^libvirt-(\d+)-/;

async function nodeNames(process: VmProcess): Promise<string[]> {
  const nodes = await process.execute("query-named-block-nodes", { flat: true });
  return nodes.flatMap(({ "node-name": name = "" }) => (ours.test(name) ? [name] : []));
}

/** The highest number in the names of the block nodes that a QEMU has. */
export async function highestNode(process: VmProcess): Promise<number> {
  return Math.max(0, ...(await nodeNames(process)).map((name) => Number(ours.exec(name)?.[1])));
}

/** Removes the block nodes that no device uses any more. QEMU refuses to remove those in use. */
export async function dropUnusedNodes(process: VmProcess): Promise<void> {
  let left = await nodeNames(process);
  // A node goes only after those above it: over and over, as long as one more goes.
  for (let before = -1; left.length > 0 && left.length !== before; ) {
    before = left.length;
    const kept: string[] = [];
    for (const name of left) await process.execute("blockdev-del", { "node-name": name }).catch(() => kept.push(name));
    left = kept;
  }
}
