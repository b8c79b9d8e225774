// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { containerNode } from "../vfio/nodes.ts";
import { problem } from "./problem.ts";

/**
 * Checks that every user may open `/dev/vfio/vfio`, which gives access to no device, and which QEMU needs beside the
 * group's node. Needs: nothing.
 */
export function checkContainerNode(host: Host): readonly Finding[] {
  const node = host.status(containerNode);
  if (node === undefined) {
    if (host.status("/sys/module/vfio") === undefined) return [note(`${containerNode} comes with the module vfio`)];
    const text = `There is no ${containerNode}, although the module vfio is loaded`;
    return [problem("failure", "HD_CONTAINER_NOT_ACCESSIBLE", text, { path: containerNode, mode: null })];
  }
  const mode = node.mode.toString(8).padStart(4, "0");
  const isOpen = (node.mode & 0o006) === 0o006;
  const isOurs = host.self.uid !== 0 && host.canAccess(containerNode, "read-write");
  if (isOpen || isOurs) return [ok(`${containerNode} has mode ${mode}`)];
  const cause = node.mode === 0o600 ? ", as systemd 254.0 makes it by mistake" : "";
  const text = `${containerNode} has mode ${mode}${cause}; users need 0666`;
  return [problem("failure", "HD_CONTAINER_NOT_ACCESSIBLE", text, { path: containerNode, mode })];
}
