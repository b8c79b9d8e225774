// SPDX-License-Identifier: Apache-2.0

import { invalid } from "../../xml/complaint.ts";
import { controllersOf, ensureController, findController, insertController } from "../controllers.ts";
/** Devices that every x86 machine has whether or not the XML names them. libvirt: qemuDomainDefAddDefaultDevices. */
import type { Controller, ControllerOf } from "../devices/controller.ts";
import type { Domain } from "../domain.ts";
import { chipsetOf } from "../machine.ts";

/** Numbers the controllers, puts them in order, and gives those without a model the usual one. */
export function fillControllerDefaults(domain: Domain): void {
  const written = domain.devices.controllers;
  for (const [at, controller] of written.entries()) {
    if (controller.index !== undefined) continue;
    controller.index = familyIndex(written, at);
    if (controller.index !== undefined) continue;
    const used = new Set(written.filter((other) => other.type === controller.type).map((other) => other.index));
    let index = 0;
    while (used.has(index)) index++;
    controller.index = index;
  }
  domain.devices.controllers = [];
  for (const controller of written) insertController(domain.devices.controllers, controller);
  const usb = controllersOf(domain, "usb");
  for (const controller of usb) {
    controller.model ??= "piix3-uhci";
    const startPort = companionPorts[controller.model];
    const master = usb.find((other) => other.index === controller.index && other.model === "ich9-ehci1");
    if (startPort !== undefined && master !== undefined) controller.masterStartPort ??= startPort;
  }
}

/**
 * The index of a USB controller for fast devices, or of a companion of one, that follows another of them: theirs, unless
 * that one has such a member already. libvirt: virDomainAssignControllerIndexes; virt-install relies on it.
 */
function familyIndex(written: readonly Controller[], at: number): number | undefined {
  const [before, controller] = [written[at - 1], written[at]];
  if (!isOfFamily(before) || !isOfFamily(controller)) return undefined;
  const { index } = before;
  const isTaken = written.some(
    (other) => isOfFamily(other) && other.model === controller.model && other.index === index,
  );
  return isTaken ? undefined : index;
}

function isOfFamily(controller: Controller | undefined): controller is ControllerOf<"usb"> {
  return controller?.type === "usb" && /^ich9-(ehci1|uhci[123])$/.test(controller.model ?? "");
}

/** Where the slow companions of an EHCI controller begin to serve its ports. */
const companionPorts: Readonly<Record<string, number>> = { "ich9-uhci1": 0, "ich9-uhci2": 2, "ich9-uhci3": 4 };

/** Adds what is missing: root bus, SATA, USB, balloon, watchdog, console, mouse and keyboard, audio. */
export function addImplicitDevices(domain: Domain): void {
  const { devices } = domain;
  const q35 = chipsetOf(domain) === "q35";
  if (controllersOf(domain, "usb").length === 0) {
    insertController(devices.controllers, { type: "usb", index: 0, model: q35 ? "qemu-xhci" : "piix3-uhci" });
  }
  if (q35) ensureController(domain, { type: "sata", index: 0 });
  addPciRoot(domain);
  devices.memballoon ??= { model: "virtio" };
  if (q35 && !devices.watchdogs.some((watchdog) => watchdog.model === "itco")) {
    devices.watchdogs.push({ model: "itco", action: devices.watchdogs[0]?.action ?? "reset" });
  }
  addConsole(domain);
  addInputs(domain);
  addAudio(domain);
  if (devices.graphics.length > 0 && devices.videos.length === 0) devices.videos.push({});
}

function addPciRoot(domain: Domain): void {
  const model = chipsetOf(domain) === "q35" ? "pcie-root" : "pci-root";
  const root = findController(domain, "pci", 0);
  if (root !== undefined && root.model !== undefined && root.model !== model) {
    // As libvirt, which gives the lowest free index to a bus without one.
    throw invalid(root, `the bus with index 0 is the ${model}, not a ${root.model}; give this one an index`);
  }
  if (root === undefined) insertController(domain.devices.controllers, { type: "pci", index: 0, model });
  else root.model ??= model;
}

/** The first console of type serial and the first serial port are one device under two names. */
function addConsole({ devices }: Domain): void {
  for (const [index, console] of devices.consoles.entries()) {
    console.target ??= {};
    console.target.type ??= "serial";
    console.target.port ??= index;
  }
  const console = devices.consoles[0];
  const serial = devices.serials[0];
  if (console?.target?.type === "serial" && serial === undefined) {
    const { target: _, alias: _alias, address: _address, ...source } = console;
    devices.serials.push({ ...source, target: { port: 0 } } as (typeof devices.serials)[number]);
  }
  if (console === undefined && serial !== undefined) {
    const { target: _, alias: _alias, address: _address, ...source } = serial;
    devices.consoles.push({
      ...source,
      target: { type: "serial", port: serial.target?.port ?? 0 },
    } as (typeof devices.consoles)[number]);
  }
}

/** Every PC has a PS/2 mouse and keyboard, unless the controller is switched off. */
function addInputs({ devices, features }: Domain): void {
  if (features?.ps2 === false) return;
  for (const type of ["mouse", "keyboard"] as const) {
    const present = devices.inputs.some((input) => input.type === type && (input.bus ?? "ps2") === "ps2");
    if (!present) devices.inputs.push({ type, bus: "ps2" });
  }
}

/** Sound goes to the viewer of a SPICE screen, and nowhere else unless the XML says so. */
function addAudio({ devices }: Domain): void {
  if (devices.audios.length > 0) return;
  const kinds = devices.graphics.map((graphics) => graphics.type);
  if (kinds.includes("spice")) devices.audios.push({ id: 1, type: "spice" });
  else if (kinds.length === 0 || kinds.includes("vnc")) devices.audios.push({ id: 1, type: "none" });
}
