// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import type { Address } from "./devices/address.ts";
import { parseDomain } from "./parse.ts";

const hostdev = (bus: number) => `<hostdev type='pci'><source><address bus='${bus}'/></source></hostdev>`;
const written = (address: Address | undefined) =>
  address?.type === "pci"
    ? `${address.bus}:${address.device}.${address.function}`
    : address?.type === "usb"
      ? address.port
      : address?.type;
const models = (text: string) =>
  parseDomain(text).devices.controllers.flatMap((one) => (one.type === "pci" ? [`${one.index} ${one.model}`] : []));

test("assignAddresses() puts PCI Express host devices behind root ports, with one port to spare", () => {
  const domain = parseDomain(sampleDomain({ devices: hostdev(1) }), { expressness: () => "pcie" });
  const { controllers, hostDevices, memballoon } = domain.devices;
  const usb = controllers.find((controller) => controller.type === "usb");
  assert.deepEqual(
    [usb, hostDevices[0], memballoon].map((device) => written(device?.address)),
    ["1:0.0", "2:0.0", "3:0.0"],
  );
  assert.equal(controllers.filter((one) => one.type === "pci").length, 5);
});

test("assignAddresses() puts conventional host devices behind a bridge", () => {
  const domain = parseDomain(sampleDomain({ devices: hostdev(1) }), { expressness: () => "pci" });
  const usb = domain.devices.controllers.find((controller) => controller.type === "usb");
  assert.deepEqual(
    [usb, domain.devices.hostDevices[0]].map((device) => written(device?.address)),
    ["2:0.0", "3:1.0"],
  );
  const bridge = domain.devices.controllers.find((one) => one.type === "pci" && one.model === "pcie-to-pci-bridge");
  assert.deepEqual([bridge?.index, written(bridge?.address)], [3, "1:0.0"]);
});

test("assignAddresses() takes host devices that are not there for PCI Express", () => {
  assert.equal(written(parseDomain(sampleDomain({ devices: hostdev(1) })).devices.hostDevices[0]?.address), "2:0.0");
});

test("assignAddresses() puts everything on the one bus of an i440fx", () => {
  const domain = parseDomain(sampleDomain({ machine: "pc", devices: hostdev(1) }));
  assert.equal(written(domain.devices.hostDevices[0]?.address), "0:2.0");
  assert.equal(written(domain.devices.memballoon?.address), "0:3.0");
});

test("assignAddresses() adds bridges when the bus of an i440fx is full", () => {
  const text = sampleDomain({ machine: "pc", devices: "<interface type='user'/>".repeat(31) });
  assert.deepEqual(models(text), ["0 pci-root", "1 pci-bridge"]);
});

test("assignAddresses() fills the functions of a slot with root ports", () => {
  const domain = parseDomain(
    sampleDomain({ devices: "<interface type='user'><model type='virtio'/></interface>".repeat(9) }),
  );
  const ports = domain.devices.controllers.filter((one) => one.type === "pci" && one.model === "pcie-root-port");
  assert.deepEqual(
    ports.slice(0, 10).map((port) => written(port.address)),
    ["0:1.0", "0:1.1", "0:1.2", "0:1.3", "0:1.4", "0:1.5", "0:1.6", "0:1.7", "0:2.0", "0:2.1"],
  );
  const [first, second] = ports;
  assert.equal(first?.address?.type === "pci" && first.address.multifunction, true);
  assert.equal(second?.address?.type === "pci" && second.address.multifunction, undefined);
  assert.deepEqual(second?.type === "pci" && second.target, { chassis: 2, port: 9 });
});

test("assignAddresses() keeps written addresses and adds the buses they name", () => {
  const address = "<address type='pci' domain='0' bus='3' slot='4' function='0'/>";
  const text = sampleDomain({ machine: "pc", devices: `<sound model='ac97'>${address}</sound>` });
  assert.deepEqual(models(text), ["0 pci-root", "1 pci-bridge", "2 pci-bridge", "3 pci-bridge"]);
  assert.equal(written(parseDomain(text).devices.sounds[0]?.address), "3:4.0");
});

test("assignAddresses() leaves unassigned devices out", () => {
  const device = hostdev(1).replace("</hostdev>", "<address type='unassigned'/></hostdev>");
  assert.equal(written(parseDomain(sampleDomain({ devices: device })).devices.hostDevices[0]?.address), "unassigned");
});

test("assignAddresses() adds a USB hub when the ports run out", () => {
  const text = sampleDomain({ machine: "pc", devices: "<input type='mouse' bus='usb'/>".repeat(4) });
  const { hubs, inputs } = parseDomain(text).devices;
  assert.deepEqual(
    hubs.map((hub) => written(hub.address)),
    ["1"],
  );
  assert.deepEqual(
    inputs.filter((input) => input.address !== undefined).map((input) => written(input.address)),
    ["2", "1.1", "1.2", "1.3"],
  );
});

test("assignAddresses() gives channels ports, and another controller when they run out", () => {
  const channel = "<channel type='null'><target type='virtio'/></channel>";
  const domain = parseDomain(
    sampleDomain({ devices: `<controller type='virtio-serial' ports='3'/>${channel.repeat(3)}` }),
  );
  const places = domain.devices.channels.map(({ address }) =>
    address?.type === "virtio-serial" ? [address.controller, address.port] : [],
  );
  assert.deepEqual(places, [
    [0, 1],
    [0, 2],
    [1, 1],
  ]);
});
