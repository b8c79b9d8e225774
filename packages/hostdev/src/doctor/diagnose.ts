// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import { type Finding, hasFailure, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { checkCommands } from "./commands.ts";
import { checkContainerNode } from "./container-node.ts";
import type { GrantedEndpoint } from "./granted.ts";
import { checkGroupMates } from "./group-mates.ts";
import { checkInterruptRemapping } from "./interrupt-remapping.ts";
import { checkIommu } from "./iommu.ts";
import { checkKvm } from "./kvm.ts";
import { checkLinuxContainer } from "./linux-container.ts";
import { checkMemlock } from "./memlock.ts";
import { checkOtherManagers } from "./other-managers.ts";
import { checkQemu } from "./qemu.ts";
import { checkSessionSocket } from "./session-socket.ts";
import { checkUnsafeSwitches } from "./unsafe-switches.ts";
import { checkVfioModules } from "./vfio-modules.ts";

type Check = (host: Host, granted: readonly GrantedEndpoint[]) => readonly Finding[] | Promise<readonly Finding[]>;

const sections: readonly { readonly id: string; readonly title: string; readonly checks: readonly Check[] }[] = [
  { id: "iommu", title: "IOMMU", checks: [checkIommu, checkInterruptRemapping, checkUnsafeSwitches] },
  { id: "vfio", title: "VFIO", checks: [checkVfioModules, checkContainerNode] },
  { id: "qemu", title: "QEMU", checks: [checkQemu, checkKvm] },
  { id: "user", title: "You", checks: [checkMemlock, checkSessionSocket] },
  { id: "drivers", title: "Drivers", checks: [checkGroupMates, checkOtherManagers] },
  { id: "system", title: "System", checks: [checkCommands, checkLinuxContainer] },
];

/** What was found about one part of the machine. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** Never empty. */
  readonly findings: readonly Finding[];
}

export interface Diagnosis {
  readonly sections: readonly Section[];
  /** Whether nothing stands in the way of lending devices: no finding is a failure. */
  readonly isAble: boolean;
}

/**
 * Checks whether this machine can lend devices at all, whatever device and VM, and whether it does so safely.
 *
 * Changes nothing. A check that cannot be made is a warning. Needs: nothing; the parts on `You` are about the caller.
 * @param granted what grants cover, read by the caller.
 */
export async function diagnose(host: Host, granted: readonly GrantedEndpoint[]): Promise<Diagnosis> {
  const done = await Promise.all(
    sections.map(async ({ id, title, checks }) => {
      const findings = (await Promise.all(checks.map((check) => attempt(check, host, granted)))).flat();
      return { id, title, findings };
    }),
  );
  return {
    sections: done.filter(({ findings }) => findings.length > 0),
    isAble: !done.some(({ findings }) => hasFailure(findings)),
  };
}

async function attempt(check: Check, host: Host, granted: readonly GrantedEndpoint[]): Promise<readonly Finding[]> {
  try {
    return await check(host, granted);
  } catch (error) {
    if (isHostdevError(error)) return [toFinding(error, "warning")];
    throw error;
  }
}
