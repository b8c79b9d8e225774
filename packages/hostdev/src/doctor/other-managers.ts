// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { tryParsePciAddress } from "../pci/address.ts";
import { pciDrivers, readAttribute } from "../pci/sysfs.ts";
import { Reader } from "../usage/reader.ts";
import { readModuleOptions } from "../vfio/module-options.ts";
import type { GrantedEndpoint } from "./granted.ts";
import { problem } from "./problem.ts";

/**
 * Looks for what else decides about drivers: driverctl, `ids=` of vfio-pci, libvirt's system daemon, and functions that
 * somebody put on vfio-pci or pci-stub by hand. They are reported, not fought.
 *
 * What a function is told by `driver_override` is not read: that waits for the device's lock, for ever while an unbind
 * hangs. What it has led to, the bound driver, can be seen without.
 * Touches: reads `/etc/driverctl.d`, modprobe.d, sysfs, `/run/libvirt`. Needs: nothing.
 */
export function checkOtherManagers(host: Host, granted: readonly GrantedEndpoint[]): readonly Finding[] {
  const found = [
    ...findDriverctl(host),
    ...findStaticIds(host),
    ...findLibvirt(host),
    ...findForeignBindings(host, granted),
  ];
  return found.length === 0 ? [ok("Nothing else decides about drivers")] : found;
}

function findDriverctl(host: Host): readonly Finding[] {
  const folder = "/etc/driverctl.d";
  return new Reader(host).names(folder).flatMap((name) => {
    const address = /^pci-(.+)$/.exec(name)?.[1];
    if (address === undefined) return [];
    const driver = readAttribute(host, `${folder}/${name}`) ?? "another driver";
    const text = `driverctl puts ${address} on ${driver} at every boot (${folder}/${name})`;
    const remedy = `If it is to be lent, first run: driverctl unset-override ${address}`;
    return [problem("warning", "HD_OTHER_MANAGER", text, { manager: "driverctl", remedy })];
  });
}

function findStaticIds(host: Host): readonly Finding[] {
  const options = readModuleOptions(host).filter(({ module, name }) => module === "vfio_pci" && name === "ids");
  return options.map(({ value, source }) => {
    const text = `vfio-pci takes every device with the ids ${value}, twins too (${source})`;
    const remedy = `Take ids=${value} out of ${source}; a grant needs no ids.`;
    return problem("warning", "HD_OTHER_MANAGER", text, { manager: "vfio-pci ids", remedy });
  });
}

function findLibvirt(host: Host): readonly Finding[] {
  const sockets = new Reader(host).names("/run/libvirt").filter((name) => /^(libvirt|virtqemud)-sock$/.test(name));
  if (sockets.length === 0) return [];
  return [
    note("libvirt's system daemon is here: its VMs with managed='yes' rebind devices unasked; lend it none of theirs"),
  ];
}

function findForeignBindings(host: Host, granted: readonly GrantedEndpoint[]): readonly Finding[] {
  const known = new Set(granted.map(({ address }) => address));
  const reader = new Reader(host);
  return ["vfio-pci", "pci-stub"].flatMap((driver) => {
    const bound = reader.names(`${pciDrivers}/${driver}`).filter((name) => tryParsePciAddress(name) !== undefined);
    const foreign = bound.filter((address) => !known.has(address));
    return foreign.length === 0 ? [] : [note(`On ${driver}, but not by a grant of hostdev: ${foreign.join(", ")}`)];
  });
}
