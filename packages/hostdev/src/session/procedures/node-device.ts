// SPDX-License-Identifier: Apache-2.0
import { type CapabilityName, capabilityNames } from "../../nodedev/capability-kind.ts";
import { capabilitiesOf, type ListedNodeDevice, listNodeDevices } from "../../nodedev/list-node-devices.ts";
import { findNodeDevices, formatNodeDevice, readNodeDevice } from "../../nodedev/node-device.ts";
import { pciNodeDevice } from "../../nodedev/pci-by-name.ts";
import { type PciFunction, readPciFunction } from "../../pci/pci-function.ts";
import { isVfioDriver } from "../../vfio/viability.ts";
import type { Client, ClientHandlers } from "./client.ts";
import { accessDenied, checkFlags, invalidArgument } from "./libvirt-errors.ts";

/** `VIR_CONNECT_LIST_NODE_DEVICES_*`: the capabilities' bits are their places in libvirt's list. */
const persistentFlag = 1 << 28;
const transientFlag = 1 << 29;
const inactiveFlag = 1 << 30;
const activeFlag = 2 ** 31;
const capabilityMask = (1 << capabilityNames.length) - 1;

/** Devices of the host, which a user may look at, but mostly not change. */
export const nodeDeviceHandlers: ClientHandlers = {
  connectListAllNodeDevices: ({ host }, { needResults, flags }) => {
    const items = listWanted(listNodeDevices(host), flags).map(({ name }) => ({ name }));
    return { items: needResults ? items : [], count: items.length };
  },
  nodeNumOfDevices: ({ host }, { capability, flags }) => {
    checkFlags(flags, 0);
    return { number: listWith(listNodeDevices(host), capability).length };
  },
  nodeListDevices: ({ host }, { capability, max, flags }) => {
    checkFlags(flags, 0);
    return {
      names: listWith(listNodeDevices(host), capability)
        .slice(0, max)
        .map(({ name }) => name),
    };
  },
  nodeDeviceLookupByName: (client, { name }) => ({ name: find(client, name).name }),
  nodeDeviceGetXmlDesc: async (client, { name, flags }) => {
    checkFlags(flags, 1); // INACTIVE, which only differs for devices that hostdev has none of
    const options = { strictLibvirt: true, names: client.machine.pciNames };
    return { xml: formatNodeDevice(await readNodeDevice(find(client, name), options)) };
  },
  nodeDeviceGetParent: (client, { name }) => ({ parent: find(client, name).parent }),
  nodeDeviceNumOfCaps: (client, { name }) => ({ number: capabilitiesOf(find(client, name)).length }),
  nodeDeviceListCaps: (client, { name, max }) => ({ names: capabilitiesOf(find(client, name)).slice(0, max) }),
  nodeDeviceIsActive: (client, { name }) => ({ active: find(client, name) !== undefined }),
  nodeDeviceIsPersistent: (client, { name }) => ({ persistent: isPersistent(find(client, name)) }),
  nodeDeviceGetAutostart: (client, { name }) => ({ autostart: find(client, name).type === "system" }),
  connectNodeDeviceEventRegisterAny: ({ registrations }, { eventId, device }) => ({
    callbackId: registrations.add("node-device", eventId, device?.name),
  }),
  connectNodeDeviceEventDeregisterAny: ({ registrations }, { callbackId }) =>
    registrations.remove("node-device", callbackId),
  nodeDeviceDettach: (client, { name }) => detach(client, name, null),
  nodeDeviceDetachFlags: (client, { name, driver, flags }) => {
    checkFlags(flags, 0);
    return detach(client, name, driver);
  },
  nodeDeviceReAttach: async (client, { name }) => {
    const device = findPci(client, name);
    if (device.driver !== null && !isVfioDriver(device.driver) && device.driver !== "pci-stub") return;
    const state = device.driver === null ? "bound to no driver" : `bound to ${device.driver}`;
    throw accessDenied(
      `Cannot give ${device.address} back to the host: it is ${state}, and only root may change that. ` +
        `Ask an administrator to run: hostdev-admin revoke ${device.address}`,
    );
  },
  nodeDeviceReset: async (client, { name }) => {
    const { address } = findPci(client, name);
    throw accessDenied(
      `Cannot reset ${address}: only root may. It is reset anyway when a VM with it starts or ends, and when it is ` +
        `revoked: hostdev-admin revoke ${address}`,
    );
  },
};

/**
 * What a user may do of a detachment: see that it is done already. libvirt fails in the middle, at the first file of
 * sysfs that is root's.
 */
async function detach(client: Client, name: string, driver: string | null): Promise<void> {
  if (driver !== null && driver !== "vfio" && driver !== "vfio-pci")
    throw invalidArgument(`unknown driver name '${driver}'`);
  const { address, driver: bound } = findPci(client, name);
  if (isVfioDriver(bound)) return;
  const user = client.host.self.name;
  const state = bound === null ? "bound to no driver" : `bound to ${bound}`;
  throw accessDenied(
    `Cannot detach ${address} from the host: it is ${state}, and only root may change that. ` +
      `Ask an administrator to run: hostdev-admin grant ${address} --to ${user}`,
  );
}

/** @throws {HostdevError} `HD_DEVICE_NOT_FOUND`. */
function find({ host }: Client, name: string): ListedNodeDevice {
  const device = pciNodeDevice(host, name) ?? findNodeDevices(listNodeDevices(host), [name])[0];
  if (device === undefined) throw new Error("findNodeDevices() gives as many as it takes");
  return device;
}

function findPci(client: Client, name: string): PciFunction {
  const { type, device } = find(client, name);
  const found = type === "pci" ? readPciFunction(client.host, device.sysname) : undefined;
  if (found === undefined) throw invalidArgument(`device ${name} is not a PCI device`);
  return found;
}

function listWanted(devices: readonly ListedNodeDevice[], flags: number): readonly ListedNodeDevice[] {
  checkFlags(flags, (capabilityMask | persistentFlag | transientFlag | inactiveFlag | activeFlag) >>> 0);
  const wantsInactiveOnly = (flags & inactiveFlag) !== 0 && (flags & activeFlag) === 0;
  if (wantsInactiveOnly) return []; // all that is there is active
  const lasting = flags & (persistentFlag | transientFlag);
  const wanted = capabilityNames.filter((_, bit) => (flags & (1 << bit)) !== 0);
  return devices.filter(
    (device) =>
      (lasting === 0 || (lasting & (isPersistent(device) ? persistentFlag : transientFlag)) !== 0) &&
      (wanted.length === 0 || hasOneOf(device, wanted)),
  );
}

/** Whether libvirt calls it defined: of what the kernel tells of, only the machine itself. */
function isPersistent({ type }: ListedNodeDevice): boolean {
  return type === "system";
}

function listWith(devices: readonly ListedNodeDevice[], capability: string | null): readonly ListedNodeDevice[] {
  if (capability === null) return devices;
  const wanted = capabilityNames.filter((name) => name === capability);
  return devices.filter((device) => hasOneOf(device, wanted));
}

/** Looks into a device only when its kind alone does not decide. */
function hasOneOf(device: ListedNodeDevice, wanted: readonly CapabilityName[]): boolean {
  if (wanted.includes(device.type)) return true;
  const further = wanted.some((name) => ["fc_host", "vports", "mdev_types", "vpd"].includes(name));
  return further && capabilitiesOf(device).some((name) => wanted.includes(name));
}
