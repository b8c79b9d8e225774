// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { findUser } from "../core/users.ts";
import { type IommuGroup, readIommuGroup } from "../pci/iommu-group.ts";
import { Reader } from "../usage/reader.ts";
import { groupNode } from "../vfio/nodes.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import type { GrantedEndpoint } from "./granted.ts";
import { problem } from "./problem.ts";

/**
 * Checks the groups whose nodes users own: who has the node can use every member on vfio, so that a mate which comes
 * onto vfio later widens a grant, unseen.
 *
 * Touches: reads `/dev/vfio`, sysfs. Needs: nothing.
 */
export async function checkGroupMates(host: Host, granted: readonly GrantedEndpoint[]): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const number of new Reader(host).names("/dev/vfio").filter((name) => /^\d+$/.test(name))) {
    const uid = host.status(groupNode(Number(number)))?.uid ?? 0;
    const group = uid === 0 ? undefined : readIommuGroup(host, Number(number));
    if (group === undefined) continue;
    const owner = (await findUser(host, uid))?.name ?? String(uid);
    findings.push(...checkGroup(group, owner, granted));
  }
  return findings;
}

function checkGroup(group: IommuGroup, owner: string, granted: readonly GrantedEndpoint[]): readonly Finding[] {
  const grantOf = (address: string) => granted.find((endpoint) => endpoint.address === address);
  const grant = group.members.map(({ address }) => grantOf(address)).find((found) => found !== undefined)?.grant;
  const node = groupNode(group.number);
  if (grant === undefined) return [note(`${node} belongs to ${owner}, but not by a grant of hostdev`)];
  const reachable = group.members.filter(
    ({ address, driver }) => isVfioDriver(driver) && grantOf(address)?.role !== "give",
  );
  if (reachable.length === 0) return [ok(`${node} gives ${owner} what was granted, and no more`)];
  return reachable.map(({ address }) => {
    const text = `${address} came onto vfio-pci: with ${node}, ${owner} can use it, though it was not lent`;
    return problem("failure", "HD_MATE_REACHABLE", text, { address, group: group.number, user: owner, grant });
  });
}
