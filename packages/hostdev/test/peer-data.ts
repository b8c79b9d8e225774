// SPDX-License-Identifier: Apache-2.0
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Where the peers' test data are, which are read where they lie and are no part of this project: the folder that
 * `HOSTDEV_PEER_DATA` names, else `shared/peer` beside the repository. Tests that want them skip without.
 *
 * @example
 * const folder = peerData("pci-config");
 * test("...", { skip: folder === undefined && noPeerData }, () => { ... });
 */
export function peerData(name: string): string | undefined {
  const given = process.env["HOSTDEV_PEER_DATA"];
  const roots = given === undefined ? ancestors(process.cwd()).map((folder) => join(folder, "shared/peer")) : [given];
  return roots.map((root) => join(root, name)).find((folder) => existsSync(folder));
}

/** The line that a skipped test says. */
export const noPeerData = "no peer data: set HOSTDEV_PEER_DATA to the folder that has them";

function ancestors(folder: string): readonly string[] {
  const above = dirname(folder);
  return above === folder ? [folder] : [folder, ...ancestors(above)];
}
