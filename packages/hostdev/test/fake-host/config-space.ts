// SPDX-License-Identifier: Apache-2.0
import { addressParts, type FunctionSpec, idParts } from "./function-spec.ts";

/** Offset of the command register, and its bits that drivers set. */
export const commandRegister = 0x04;
export const busMaster = 0x04;
const memorySpace = 0x02;

const powerManagement = 0x40;
const expressCapability = 0x60;

/**
 * Makes up the config space of a function from its declaration: header, PM, PCIe with FLR as `reset` says, and the
 * extended capabilities (serial number, SR-IOV). 4096 bytes for PCI Express, 256 for conventional PCI.
 */
export function makeConfigSpace(spec: FunctionSpec, kind: { isVirtual: boolean; isFirstOfMany: boolean }): Uint8Array {
  if (spec.config !== undefined) return spec.config.slice();
  const isExpress = spec.pcie ?? true;
  const bytes = new Uint8Array(isExpress ? 4096 : 256);
  const view = new DataView(bytes.buffer);
  writeHeader(view, spec, kind.isVirtual);
  if (kind.isFirstOfMany) view.setUint8(0x0e, view.getUint8(0x0e) | 0x80);
  if (hasPowerManagement(spec)) writePowerManagement(view, spec, isExpress);
  if (isExpress) {
    writeExpress(view, spec);
    writeExtended(view, spec);
  }
  return bytes;
}

/** Whether it has the PM capability: PCI Express requires it, conventional functions often lack it. */
export function hasPowerManagement(spec: FunctionSpec): boolean {
  return (spec.pcie ?? true) || resetsOf(spec).includes("pm");
}

/** Sets or clears memory decoding and bus mastering, as drivers do at probe and removal. */
export function setEnabled(config: Uint8Array, enabled: boolean): void {
  const old = config[commandRegister] ?? 0;
  config[commandRegister] = enabled ? old | busMaster | memorySpace : old & ~busMaster;
}

function writeHeader(view: DataView, spec: FunctionSpec, isVirtual: boolean): void {
  const { vendor, device } = idParts(spec.ids ?? "1b36:0010");
  const subsystem = idParts(spec.subsystem ?? "1af4:1100");
  const classCode = Number.parseInt(spec.class ?? "020000", 16);
  // SR-IOV 1.1, 3.4.1.1: a VF's own ids read as ones; software takes the vendor and the VF device id from the PF.
  view.setUint16(0x00, isVirtual ? 0xffff : vendor, true);
  view.setUint16(0x02, isVirtual ? 0xffff : device, true);
  if (hasPowerManagement(spec)) view.setUint16(0x06, 0x0010, true);
  view.setUint32(0x08, (classCode << 8) | (spec.revision ?? 0), true);
  view.setUint8(0x34, hasPowerManagement(spec) ? powerManagement : 0);
  if (spec.bridge === undefined) {
    view.setUint16(0x2c, subsystem.vendor, true);
    view.setUint16(0x2e, subsystem.device, true);
    view.setUint8(0x3d, isVirtual ? 0 : 1);
    return;
  }
  view.setUint8(0x0e, 1);
  view.setUint8(0x18, addressParts(spec.address).bus);
  view.setUint8(0x19, spec.bridge.secondary);
  view.setUint8(0x1a, spec.bridge.subordinate ?? spec.bridge.secondary);
}

function writePowerManagement(view: DataView, spec: FunctionSpec, isExpress: boolean): void {
  view.setUint8(powerManagement, 0x01);
  view.setUint8(powerManagement + 1, isExpress ? expressCapability : 0);
  view.setUint16(powerManagement + 2, 0x0003, true);
  const noSoftReset = !resetsOf(spec).includes("pm");
  view.setUint16(powerManagement + 4, noSoftReset ? 0x0008 : 0, true);
}

function writeExpress(view: DataView, spec: FunctionSpec): void {
  view.setUint8(expressCapability, 0x10);
  view.setUint16(expressCapability + 2, ((spec.bridge?.portType ?? 0) << 4) | 2, true);
  view.setUint32(expressCapability + 4, resetsOf(spec).includes("flr") ? 1 << 28 : 0, true);
  view.setUint32(expressCapability + 0x0c, 0x11, true); // link: 2.5 GT/s, one lane
  view.setUint16(expressCapability + 0x12, 0x11, true);
}

function writeExtended(view: DataView, spec: FunctionSpec): void {
  const present: { id: number; bytes: number; fill: (at: number) => void }[] = [];
  const { serial, vfs } = spec;
  if (serial !== undefined) {
    present.push({ id: 0x03, bytes: 12, fill: (at) => view.setBigUint64(at + 4, BigInt(`0x${serial}`), true) });
  }
  if (vfs !== undefined) {
    present.push({
      id: 0x10,
      bytes: 64,
      fill: (at) => {
        view.setUint16(at + 0x0c, vfs.total, true);
        view.setUint16(at + 0x0e, vfs.total, true);
        view.setUint16(at + 0x14, vfs.offset ?? 128, true);
        view.setUint16(at + 0x16, vfs.stride ?? 2, true);
        view.setUint16(at + 0x1a, idParts(vfs.ids).device, true);
      },
    });
  }
  let at = 0x100;
  for (const [index, { id, bytes, fill }] of present.entries()) {
    const next = index === present.length - 1 ? 0 : at + bytes;
    view.setUint32(at, (next << 20) | (1 << 16) | id, true);
    fill(at);
    at += bytes;
  }
}

function resetsOf(spec: FunctionSpec): readonly string[] {
  return spec.reset ?? (spec.bridge === undefined ? ["flr"] : []);
}
