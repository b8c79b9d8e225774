// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { formatPciAddress, tryParsePciAddress } from "../pci/address.ts";
import { writeXml, type XmlOutput } from "../xml/writer.ts";
import { type Capability, formatCapability, kinds } from "./capability.ts";
import type { ReadOptions } from "./capability-kind.ts";
import type { ListedNodeDevice } from "./list-node-devices.ts";
import { element, textElement } from "./xml-output.ts";

/** A node device with all that is known of it. */
export interface NodeDevice {
  readonly name: string;
  /** In sysfs; `undefined` for `computer`. */
  readonly path: string | undefined;
  readonly node: string | undefined;
  /** Other names of the node, sorted. */
  readonly links: readonly string[];
  readonly parent: string | null;
  readonly driver: string | undefined;
  readonly capability: Capability;
}

/**
 * Finds devices by their names. Takes PCI addresses, too.
 *
 * @throws {HostdevError} `HD_DEVICE_NOT_FOUND` for the first that is not among them.
 */
export function findNodeDevices(
  devices: readonly ListedNodeDevice[],
  names: readonly string[],
): readonly ListedNodeDevice[] {
  const byName = new Map(devices.map((device) => [device.name, device]));
  return names.map((name) => {
    const address = tryParsePciAddress(name);
    const found = byName.get(address === undefined ? name : `pci_${formatPciAddress(address).replace(/[:.]/g, "_")}`);
    if (found !== undefined) return found;
    throw new HostdevError("HD_DEVICE_NOT_FOUND", `There is no node device "${name}"`, { device: name });
  });
}

/**
 * Reads all there is to know of a device.
 *
 * Touches: reads the device's folder, its IOMMU group, pci.ids; runs `ethtool` for a network interface.
 * Needs: nothing; root for vital product data, serial number and UUID of the machine, and the port of a link.
 * Source: libvirt `udevAddOneDevice`, `nodeDeviceUpdateDriverName`.
 */
export async function readNodeDevice(listed: ListedNodeDevice, options: ReadOptions = {}): Promise<NodeDevice> {
  const { name, parent, type, device } = listed;
  const capability = await kinds[type].read(device, options);
  if (type === "system")
    return { name, path: undefined, node: undefined, links: [], parent, driver: undefined, capability };
  const { path, node, driver } = device;
  const links = node === undefined ? [] : device.links; // without a node no look into udev's record
  return { name, path, node, links, parent, driver, capability };
}

/** Writes a device as libvirt does (`virNodeDeviceDefFormat`). Pure. */
export function formatNodeDevice({ name, path, node, links, parent, driver, capability }: NodeDevice): string {
  const devnode =
    (type: string) =>
    (text: string): XmlOutput => ({ ...element("devnode", { type }), text });
  const text = writeXml(
    element("device", {}, [
      ...textElement("name", name),
      ...textElement("path", path),
      ...(node === undefined ? [] : [devnode("dev")(node)]),
      ...links.map(devnode("link")),
      ...textElement("parent", parent),
      ...(driver === undefined ? [] : [element("driver", {}, textElement("name", driver))]),
      element("capability", { type: capability.type }, formatCapability(capability)),
    ]),
  );
  if (capability.type === "system") return text.replace("    <firmware/>\n", "    <firmware>\n    </firmware>\n");
  // libvirt writes this one kind of empty element with a blank.
  return capability.type === "usb_device" ? text.replace(/^( +<(?:product|vendor) id='[^']*')\/>$/gm, "$1 />") : text;
}
