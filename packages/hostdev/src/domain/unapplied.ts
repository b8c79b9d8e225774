// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "./domain.ts";

/**
 * What a domain asks for that neither QEMU's arguments nor its monitor carry, and that only a privileged daemon could
 * apply to the host: one sentence each, for a note to the user. Empty for most domains.
 */
export function unappliedSettings(domain: Domain): string[] {
  const { cputune, memtune, blkiotune, resource, idmap, seclabels, devices, clock } = domain;
  const found: string[] = [];
  const note = (is: boolean, text: string) => {
    if (is) found.push(text);
  };
  const shares =
    cputune?.shares ?? cputune?.quota ?? cputune?.globalQuota ?? cputune?.emulatorQuota ?? cputune?.iothreadQuota;
  note(shares !== undefined, "CPU shares and quotas of <cputune> need control groups");
  const schedulers = [...(cputune?.vcpuscheds ?? []), ...(cputune?.iothreadscheds ?? [])];
  note(schedulers.length > 0 || cputune?.emulatorsched !== undefined, "schedulers of <cputune> are set by root");
  const shared = [...(cputune?.cachetunes ?? []), ...(cputune?.memorytunes ?? [])];
  note(shared.length > 0, "shares of caches and memory bandwidth in <cputune> are set by root");
  note(memtune !== undefined, "memory limits of <memtune> need control groups");
  note(blkiotune !== undefined, "<blkiotune> needs control groups");
  note(resource !== undefined, "the partition of <resource> needs control groups");
  note(domain.perf !== undefined, "counters of <perf> are opened by root");
  note(domain.onLockfailure !== undefined, "there is no lock manager whose failure <on_lockfailure> could handle");
  note(idmap !== undefined, "<idmap> is for containers");
  note(
    seclabels.some((label) => label.type !== "none"),
    "security labels (<seclabel>) need a privileged daemon",
  );
  for (const card of devices.interfaces) {
    if (card.type !== "hostdev") continue;
    note(card.vlan !== undefined, `the <vlan> of ${card.mac} must be set on the host device by root`);
    note(card.virtualport !== undefined, `the <virtualport> of ${card.mac} must be set up by root`);
    note(card.mac !== undefined, `the MAC address ${card.mac} of a host device must be set by root`);
  }
  for (const device of devices.hostDevices) {
    note(
      device.type === "pci" && device.managed === true,
      `managed='yes': an administrator lends the device beforehand`,
    );
  }
  for (const timer of clock?.timers ?? []) {
    note(
      "catchup" in timer && timer.catchup !== undefined,
      `the limits in <catchup> of the timer ${timer.name} are QEMU's own`,
    );
  }
  return [...new Set(found)];
}
