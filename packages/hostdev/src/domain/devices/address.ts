// SPDX-License-Identifier: Apache-2.0

/** Where a device sits in the guest: the element `<address>` in all its kinds. */
import { attribute, fallback, type Infer, required, variants } from "../../xml/schema.ts";
import { cNumber, integer, matching, onOff } from "../../xml/values.ts";

const decimal = (name: string) => fallback(attribute(name, cNumber(0, 0x7fffffff, 0)), 0);

/** The fields of a PCI address in the guest or on the host; libvirt calls the device number `slot`. */
export const pciAddressFields = {
  domain: fallback(attribute("domain", cNumber(0, 0xffff, 4)), 0),
  bus: fallback(attribute("bus", cNumber(0, 0xff, 2)), 0),
  device: fallback(attribute("slot", cNumber(0, 0x1f, 2)), 0),
  function: fallback(attribute("function", cNumber(0, 7, 1)), 0),
};

/** `<address type='...'>`. */
export const address = variants("type", {
  pci: { ...pciAddressFields, multifunction: attribute("multifunction", onOff) },
  drive: { controller: decimal("controller"), bus: decimal("bus"), target: decimal("target"), unit: decimal("unit") },
  "virtio-serial": { controller: decimal("controller"), bus: decimal("bus"), port: decimal("port") },
  ccid: { controller: decimal("controller"), slot: decimal("slot") },
  usb: {
    bus: decimal("bus"),
    port: attribute("port", matching(/^\d+(\.\d+){0,3}$/, "a port such as 1 or 1.2.3")),
  },
  isa: {
    iobase: attribute("iobase", cNumber(0, 0xffff, 1)),
    irq: attribute("irq", cNumber(0, 0xff, 1)),
  },
  dimm: {
    slot: required(attribute("slot", integer(0, 255))),
    base: attribute("base", cNumber(0, Number.MAX_SAFE_INTEGER, 1)),
  },
  unassigned: {},
});

export type Address = Infer<typeof address>;
export type AddressOf<T extends Address["type"]> = Extract<Address, { type: T }>;
/** Where a device sits on a PCI bus of the guest. */
export type GuestPciAddress = AddressOf<"pci">;

/** Whether an address was left for us to choose: libvirt takes `00:00.x` on bus 0 as none. */
export function isEmptyPci(address: GuestPciAddress): boolean {
  return address.domain === 0 && address.bus === 0 && address.device === 0;
}
