// SPDX-License-Identifier: Apache-2.0
import { HostdevError, isHostdevError } from "../core/errors.ts";
import { type Finding, note, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { InterfaceOf } from "../domain/devices/network-interface.ts";
import type { Domain } from "../domain/domain.ts";
import { formatPciAddress } from "../pci/address.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { readSriov } from "../pci/sriov.ts";
import { readVfSettings } from "../vfio/vf-settings.ts";
import { unsupported } from "../xml/complaint.ts";

/**
 * Checks `<interface type='hostdev'>`: as with libvirt it must be a virtual function; and the MAC address that the XML
 * gives it must be the one that its physical function holds it to, since only root can set that.
 *
 * Touches: reads sysfs; runs `ip` when an address is given. Needs: nothing.
 */
export async function checkAssignedInterfaces(host: Host, { devices }: Domain): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const card of devices.interfaces) if (card.type === "hostdev") findings.push(...(await checkCard(host, card)));
  return findings;
}

async function checkCard(host: Host, card: InterfaceOf<"hostdev">): Promise<readonly Finding[]> {
  const address = formatPciAddress(card.source.address);
  for (const name of ["vlan", "virtualport"] as const) {
    if (card[name] === undefined) continue;
    const advice = `no <${name}>; a VLAN is given with the grant (--vlan)`;
    return [toFinding(unsupported(card, `its <${name}> is set up on the host by root`, advice))];
  }
  if (readPciFunction(host, address) === undefined) return []; // the check of devices tells of it
  const sriov = readSriov(host, address);
  if (sriov?.role !== "virtual")
    return [toFinding(unsupported(card, `${address} is no SR-IOV virtual function`, "<hostdev type='pci'> for it"))];
  if (card.mac === undefined || sriov.index === null) return [];
  return [await checkMac(host, { address, ...sriov, index: sriov.index }, card.mac)];
}

async function checkMac(
  host: Host,
  { address, physicalFunction, index }: { address: string; physicalFunction: string; index: number },
  wanted: string,
): Promise<Finding> {
  const mac = wanted.toLowerCase();
  try {
    const { mac: actual } = await readVfSettings(host, physicalFunction, index);
    if (actual === mac) return ok(`${address} has the MAC address ${mac}`);
    const user = host.self.name;
    const message = `Cannot give ${address} the MAC address ${mac}: ${/^[0:]+$/.test(actual) ? "none is set" : `it has ${actual}`}, and only root can set it`;
    return toFinding(new HostdevError("HD_VF_MAC", message, { address, physicalFunction, index, mac, actual, user }));
  } catch (error) {
    if (!isHostdevError(error, "HD_VF_SETTINGS") && !isHostdevError(error, "HD_COMMAND_NOT_FOUND")) throw error;
    return note(`Whether ${address} has the MAC address ${mac} cannot be seen from the host`);
  }
}
