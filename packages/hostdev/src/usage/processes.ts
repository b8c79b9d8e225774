// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { printable } from "../core/printable.ts";
import { functionsAbove } from "./functions-above.ts";
import type { Reader } from "./reader.ts";
import type { Claim } from "./use.ts";

/** The kinds of devices whose driver must not be taken away while a process has a node of theirs open. */
const classes = ["block", "drm", "nvme", "nvme-generic", "tty", "uio", "infiniband_verbs", "virtio-ports"] as const;

/**
 * Finds the functions that processes work with through device nodes: a compositor on a graphics card, a VM or a
 * database on a raw disk, a login on a serial port.
 *
 * Touches: reads `/proc/<pid>/fd`, `/proc/driver/nvidia`. Needs: root; gives nothing otherwise, since an ordinary user
 * would see but his own.
 */
export function claimOpenNodes(reader: Reader, pids: readonly string[]): readonly Claim[] {
  if (!reader.isRoot) return [];
  const places = new Map<string, readonly string[]>(readNvidiaNodes(reader));
  return pids.flatMap((pid) => {
    if (pid === String(reader.host.self.pid)) return [];
    const nodes = new Set(reader.links(`/proc/${pid}/fd`).filter((target) => target.startsWith("/dev/")));
    return [...nodes].flatMap((node): Claim[] => {
      const above = places.get(node) ?? findNode(reader, node);
      places.set(node, above);
      if (above.length === 0) return [];
      const does = `is open in process ${pid}, ${printable(reader.text(`/proc/${pid}/comm`).trim())}`;
      return [{ kind: "process", functions: above, path: [posix.basename(node), `process ${pid}`], does }];
    });
  });
}

function findNode(reader: Reader, node: string): readonly string[] {
  const name = posix.basename(node);
  const paths = classes.map((kind) => functionsAbove(reader.devicePath(`/sys/class/${kind}/${name}`)));
  return paths.find((above) => above.length > 0) ?? [];
}

/** NVIDIA's own driver makes nodes that sysfs does not know. */
function readNvidiaNodes(reader: Reader): readonly (readonly [string, readonly string[]])[] {
  const folder = "/proc/driver/nvidia/gpus";
  return reader.names(folder).flatMap((address) => {
    const minor = /^Device Minor:\s*(\d+)/m.exec(reader.text(`${folder}/${address}/information`))?.[1];
    return minor === undefined ? [] : [[`/dev/nvidia${minor}`, functionsAbove(address)] as const];
  });
}
