// SPDX-License-Identifier: Apache-2.0

/** libvirt's own descriptions of devices, read where they lie: written from our model they come out the same. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { noPeerData, peerData } from "../../test/peer-data.ts";
import { readXml, type XmlElement } from "../xml/reader.ts";
import type { Capability } from "./capability.ts";
import type { NetFeature } from "./net.ts";
import { formatNodeDevice } from "./node-device.ts";
import type { PciCapability } from "./pci.ts";

const folder = peerData("nodedev");
/** Not of libvirt's own writing: an empty list of VFs, that it neither reads nor writes. */
const foreign = ["pci_82579LM_network_adapter.xml"];

test("formatNodeDevice() writes libvirt's devices as libvirt does", {
  skip: folder === undefined && noPeerData,
}, () => {
  const files = readdirSync(folder ?? "").filter((name) => !foreign.includes(name));
  assert.ok(files.length > 0);
  for (const file of files) {
    const text = readFileSync(join(folder ?? "", file), "utf8");
    const device = readXml(text);
    const found = child(device, "capability");
    const written = formatNodeDevice({
      name: textOf(device, "name") ?? "",
      path: textOf(device, "path"),
      node: undefined,
      links: [],
      parent: textOf(device, "parent") ?? null,
      driver: undefined,
      capability: toCapability(found ?? device),
    });
    assert.equal(written, text, file);
  }
});

const child = (element: XmlElement, name: string, type?: string) =>
  element.children.find((each) => each.name === name && (type === undefined || attribute(each, "type") === type));
const children = (element: XmlElement | undefined, name: string) =>
  element?.children.filter((each) => each.name === name) ?? [];
const attribute = (element: XmlElement | undefined, name: string) =>
  element?.attributes.find((each) => each.name === name)?.value;
const textOf = (element: XmlElement | undefined, name: string) =>
  element === undefined ? undefined : child(element, name)?.text;
const number = (element: XmlElement | undefined, name: string) => Number(textOf(element, name));

function toCapability(found: XmlElement): Capability {
  switch (attribute(found, "type")) {
    case "pci":
      return toPci(found);
    case "net":
      return {
        type: "net",
        interface: textOf(found, "interface") ?? "",
        address: textOf(found, "address"),
        link: { state: undefined, speedMbps: undefined },
        features: children(found, "feature").map((feature) => attribute(feature, "name") as NetFeature),
        subtype: attribute(child(found, "capability"), "type") === "80211" ? "80211" : "80203",
      };
    case "system": {
      const [hardware, firmware] = [child(found, "hardware"), child(found, "firmware")];
      return {
        type: "system",
        product: textOf(found, "product"),
        hardware: {
          vendor: textOf(hardware, "vendor"),
          version: textOf(hardware, "version"),
          serial: textOf(hardware, "serial"),
          uuid: textOf(hardware, "uuid") ?? "",
        },
        firmware: {
          vendor: textOf(firmware, "vendor"),
          version: textOf(firmware, "version"),
          releaseDate: textOf(firmware, "release_date"),
        },
      };
    }
    case "scsi_host": {
      const uniqueId = textOf(found, "unique_id");
      const host = number(found, "host");
      const id = uniqueId === undefined ? undefined : Number(uniqueId);
      return { type: "scsi_host", host, uniqueId: id, fibreChannel: null, virtualPorts: null };
    }
    default: {
      const [host, bus, target] = [number(found, "host"), number(found, "bus"), number(found, "target")];
      return { type: "scsi", host, bus, target, lun: number(found, "lun"), typeName: textOf(found, "type") };
    }
  }
}

const id = (element: XmlElement | undefined) => ({
  id: Number(attribute(element, "id")),
  name: element === undefined || element.text === "" ? null : element.text,
});
const addresses = (element: XmlElement | undefined) =>
  children(element, "address").map((each) => ({
    domain: Number(attribute(each, "domain")),
    bus: Number(attribute(each, "bus")),
    device: Number(attribute(each, "slot")),
    function: Number(attribute(each, "function")),
  }));

function toPci(found: XmlElement): PciCapability {
  const classText = textOf(found, "class");
  const vfs = child(found, "capability", "virt_functions");
  const group = child(found, "iommuGroup");
  const numa = child(found, "numa");
  const express = child(found, "pci-express");
  const [cap, sta] = children(express, "link");
  return {
    type: "pci",
    classCode: classText === undefined ? null : Number(classText),
    address: {
      domain: number(found, "domain"),
      bus: number(found, "bus"),
      device: number(found, "slot"),
      function: number(found, "function"),
    },
    product: id(child(found, "product")),
    vendor: id(child(found, "vendor")),
    physicalFunction: addresses(child(found, "capability", "phys_function"))[0] ?? null,
    virtualFunctions:
      vfs === undefined ? null : { max: Number(attribute(vfs, "maxCount") ?? 0), addresses: addresses(vfs) },
    bridge: child(found, "capability", "pci-bridge") === undefined ? null : "pci-bridge",
    mdevTypes: children(child(found, "capability", "mdev_types"), "type").map((type) => ({
      id: attribute(type, "id") ?? "",
      name: textOf(type, "name"),
      deviceApi: textOf(type, "deviceAPI") ?? "",
      availableInstances: number(type, "availableInstances"),
    })),
    vitalProductData: toVitalProductData(child(found, "capability", "vpd")),
    iommuGroup: group === undefined ? null : { number: Number(attribute(group, "number")), members: addresses(group) },
    numaNode: numa === undefined ? null : Number(attribute(numa, "node")),
    express:
      express === undefined
        ? null
        : {
            link:
              cap === undefined ? null : { port: Number(attribute(cap, "port")), max: link(cap), current: link(sta) },
          },
  };
}

function link(element: XmlElement | undefined) {
  const speed = attribute(element, "speed");
  return { speedGTs: speed === undefined ? null : Number(speed), width: Number(attribute(element, "width")) };
}

function toVitalProductData(vpd: XmlElement | undefined): PciCapability["vitalProductData"] {
  if (vpd === undefined) return null;
  const keywords: Readonly<Record<string, string>> = {
    change_level: "EC",
    manufacture_id: "MN",
    part_number: "PN",
    serial_number: "SN",
    asset_tag: "YA",
    vendor_field: "V",
    system_field: "Y",
  };
  const [readOnly, readWrite] = children(vpd, "fields").map((fields) =>
    Object.fromEntries(
      fields.children.map((each) => [`${keywords[each.name]}${attribute(each, "index") ?? ""}`, each.text]),
    ),
  );
  return { name: textOf(vpd, "name") ?? "", readOnly: readOnly ?? {}, readWrite: readWrite ?? {} };
}
