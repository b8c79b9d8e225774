// SPDX-License-Identifier: Apache-2.0
import { type Finding, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { advice, problem } from "./problem.ts";

const node = "/dev/kvm";

/** Checks that the caller may use KVM. Without it VMs do run, slowly. Needs: nothing. */
export async function checkKvm(host: Host): Promise<readonly Finding[]> {
  if (host.canAccess(node, "read-write")) return [ok(`${node} is accessible`)];
  if (host.status(node) === undefined) {
    return [
      advice(
        `There is no ${node}: VMs are emulated, slowly`,
        "Load kvm_intel or kvm_amd; virtualization (VT-x, SVM) must be on in the firmware.",
      ),
    ];
  }
  const user = host.self.name;
  const text = `${user} may not open ${node}: VMs are emulated, slowly`;
  return [problem("warning", "HD_KVM_NOT_ACCESSIBLE", text, { path: node, user })];
}
