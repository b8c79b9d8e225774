// SPDX-License-Identifier: Apache-2.0

import type { Backend, DeviceOptions, PciDevice, Topology } from "./topology.ts";

/** The lab's own devices start at this slot of bus 0; a topology has the slots below. */
const firstReservedSlot = 0x17;

/** A PCI device of a topology with the place it was given. */
export interface PlacedDevice {
  readonly driver: string;
  readonly id: string;
  /** QEMU's name of the bus: `pcie.0` or the id of the port or bridge in front of it. */
  readonly bus: string;
  /** Slot and function, such as `02.1`. */
  readonly addr: string;
  readonly options: DeviceOptions;
  readonly backend?: Backend;
}

/**
 * Gives every device of a topology an id and a slot, parents before their children. Pure.
 *
 * @throws {Error} when the devices need more slots of bus 0 than there are.
 */
export function placeDevices(topology: Topology): readonly PlacedDevice[] {
  const placed: PlacedDevice[] = [];
  const place = (devices: readonly PciDevice[], bus: string, firstSlot: number): void => {
    let next = firstSlot;
    for (const device of devices) {
      const addr = device.at ?? hex(next);
      next = Math.max(next, Number.parseInt(addr, 16) + 1);
      if (bus === "pcie.0" && next > firstReservedSlot) throw new Error("The topology has too many devices on bus 0");
      const id = device.id ?? `device${placed.length}`;
      const { driver, backend } = device;
      const options = { ...portOptions(driver, placed.length), ...device.options };
      placed.push({ driver, id, bus, addr, options, ...(backend === undefined ? {} : { backend }) });
      place(device.behind ?? [], id, 0);
    }
  };
  place(topology.devices, "pcie.0", 1);
  return placed;
}

/** QEMU can't save the state of these, so they are plugged in after a saved machine was restored. */
const unsaved: ReadonlySet<string> = new Set(["nvme", "edu"]);

/**
 * Parts the devices into those that a saved machine contains, and those to be plugged in afterwards. Pure.
 *
 * Functions of one device stay together, and function 0 comes last: only its arrival makes the others appear.
 */
export function splitForSaving(devices: readonly PlacedDevice[]): {
  readonly saved: readonly PlacedDevice[];
  readonly later: readonly PlacedDevice[];
} {
  const slotOf = ({ bus, addr }: PlacedDevice) => `${bus}/${addr.split(".")[0]}`;
  const laterSlots = new Set(devices.filter(({ driver }) => unsaved.has(driver)).map(slotOf));
  const later = devices.filter((device) => laterSlots.has(slotOf(device)));
  const slots = [...laterSlots].map((slot) => later.filter((device) => slotOf(device) === slot));
  return {
    saved: devices.filter((device) => !laterSlots.has(slotOf(device))),
    later: slots.flatMap((functions) => functions.toSorted((a, b) => b.addr.localeCompare(a.addr))),
  };
}

/** Every port needs a chassis number of its own, or QEMU says that the slot is in use. */
function portOptions(driver: string, number: number): DeviceOptions {
  return /^(pcie-root-port|xio3130-downstream)$/.test(driver) ? { chassis: number + 1, slot: number + 1 } : {};
}

function hex(slot: number): string {
  return slot.toString(16).padStart(2, "0");
}
