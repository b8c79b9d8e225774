// SPDX-License-Identifier: Apache-2.0

/** `<hostdev>`: devices of the host that the guest gets. */
import {
  attribute,
  child,
  childAttribute,
  type Fields,
  fallback,
  flag,
  type Infer,
  object,
  required,
  variants,
} from "../../xml/schema.ts";
import { cNumber, integer, matching, oneOf, onOff, someText, uuid, yesNo } from "../../xml/values.ts";
import { pciAddressFields } from "./address.ts";
import { romInfo, virtioModels } from "./device-info.ts";

/** The address of a PCI function of the host; `type` may be written or not. */
export const hostPciAddress = required(
  child("address", object({ type: attribute("type", oneOf("pci")), ...pciAddressFields })),
);

const teaming = child(
  "teaming",
  object({
    type: required(attribute("type", oneOf("transient"))),
    persistent: required(attribute("persistent", someText)),
  }),
);
const vendorOrProduct = (name: string) => childAttribute(name, "id", cNumber(0, 0xffff, 4));
const scsiName = attribute("name", matching(/^scsi_host\d{1,9}$/, "a name such as scsi_host0"));

const head = { mode: fallback(attribute("mode", oneOf("subsystem")), "subsystem") } satisfies Fields;
const managed = attribute("managed", yesNo);

const scsiSource = variants(
  "protocol",
  {
    adapter: {
      adapter: required(child("adapter", object({ name: required(scsiName) }))),
      address: required(
        child(
          "address",
          object({
            bus: required(attribute("bus", integer(0))),
            target: required(attribute("target", integer(0))),
            unit: required(attribute("unit", integer(0))),
          }),
        ),
      ),
    },
    iscsi: {
      name: required(attribute("name", someText)),
      host: required(
        child(
          "host",
          object({ name: required(attribute("name", someText)), port: attribute("port", integer(0, 65535)) }),
        ),
      ),
      initiator: child("initiator", object({ iqn: childAttribute("iqn", "name", someText) })),
    },
  },
  "adapter",
);

/** `<hostdev>`. */
export const hostDevice = variants(
  "type",
  {
    pci: {
      ...head,
      managed,
      display: attribute("display", onOff),
      ramfb: attribute("ramfb", onOff),
      driver: child("driver", object({ name: attribute("name", oneOf("vfio")), model: attribute("model", someText) })),
      source: required(child("source", object({ address: hostPciAddress }))),
      teaming,
      ...romInfo,
    },
    usb: {
      ...head,
      managed,
      source: required(
        child(
          "source",
          object({
            startupPolicy: attribute("startupPolicy", oneOf("mandatory", "requisite", "optional")),
            guestReset: attribute("guestReset", oneOf("off", "uninitialized", "on")),
            vendor: vendorOrProduct("vendor"),
            product: vendorOrProduct("product"),
            address: child(
              "address",
              object({
                bus: required(attribute("bus", integer(0, 999))),
                device: required(attribute("device", integer(0, 999))),
              }),
            ),
          }),
        ),
      ),
      ...romInfo,
    },
    scsi: {
      ...head,
      managed,
      sgio: attribute("sgio", oneOf("filtered", "unfiltered")),
      rawio: attribute("rawio", yesNo),
      source: required(child("source", scsiSource)),
      readonly: flag("readonly"),
      shareable: flag("shareable"),
      ...romInfo,
    },
    scsi_host: {
      ...head,
      managed,
      model: attribute("model", oneOf(...virtioModels)),
      source: required(
        child(
          "source",
          object({
            protocol: required(attribute("protocol", oneOf("vhost"))),
            wwpn: required(attribute("wwpn", matching(/^naa\.[0-9a-f]{16}$/i, "a WWPN such as naa.5123456789abcde0"))),
          }),
        ),
      ),
      ...romInfo,
    },
    mdev: {
      ...head,
      managed,
      model: required(attribute("model", oneOf("vfio-pci"))),
      display: attribute("display", onOff),
      ramfb: attribute("ramfb", onOff),
      source: required(child("source", object({ uuid: required(childAttribute("address", "uuid", uuid)) }))),
      ...romInfo,
    },
  },
  undefined,
  1,
);

export type HostDevice = Infer<typeof hostDevice>;
export type HostDeviceOf<T extends HostDevice["type"]> = Extract<HostDevice, { type: T }>;
export type PciHostDevice = HostDeviceOf<"pci">;
