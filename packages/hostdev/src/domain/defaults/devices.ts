// SPDX-License-Identifier: Apache-2.0

/** What single devices get that their XML does not say. libvirt: qemuDomainDeviceDefPostParse. */
import { nodeCrypto } from "../../core/node-crypto.ts";
import { invalid } from "../../xml/complaint.ts";
import { controllersOf } from "../controllers.ts";
import type { Serial } from "../devices/character-device.ts";
import type { Graphics } from "../devices/graphics.ts";
import type { Input } from "../devices/input.ts";
import type { Video } from "../devices/video.ts";
import type { Domain } from "../domain.ts";
import { fillDiskDefaults } from "./disks.ts";

/** Completes all devices, in place. */
export function fillDeviceDefaults(domain: Domain): void {
  const { devices } = domain;
  for (const disk of devices.disks) fillDiskDefaults(disk);
  for (const [index, card] of devices.interfaces.entries()) {
    if (card.type === "hostdev") continue; // its MAC address is its own
    card.mac ??= macOf(domain.uuid ?? "", index);
    card.model ??= card.type === "vhostuser" || card.type === "vdpa" ? "virtio" : "rtl8139";
  }
  for (const input of devices.inputs) fillInput(input);
  fillVideos(domain);
  for (const graphics of devices.graphics) fillGraphics(graphics);
  for (const serial of devices.serials) fillSerial(serial);
  fillPorts(devices.serials);
  fillPorts(devices.parallels);
  for (const channel of devices.channels) {
    if (channel.type === "unix" && channel.source?.mode !== "connect" && isLibvirtsOwn(channel.source?.path)) {
      delete channel.source?.path;
    }
    if (channel.target.type === "virtio" && (channel.type === "spicevmc" || channel.type === "qemu-vdagent")) {
      channel.target.name ??= "com.redhat.spice.0";
    }
  }
  for (const scsi of controllersOf(domain, "scsi"))
    if (scsi.model === undefined || scsi.model === "auto") scsi.model = "lsilogic";
  for (const tpm of devices.tpms) {
    tpm.model ??= "tpm-tis";
    if (tpm.backend.type === "emulator") tpm.backend.version ??= "2.0";
  }
  for (const panic of devices.panics) panic.model ??= "isa";
  for (const rng of devices.rngs) if (rng.backend.model === "random") rng.backend.path ??= "/dev/random";
  for (const watchdog of devices.watchdogs) watchdog.action ??= "reset";
  for (const shmem of devices.shmems) {
    shmem.modelType ??= { type: "ivshmem-plain" };
    if (shmem.modelType.type === "ivshmem-plain") shmem.sizeKiB ??= 4096;
  }
  if (devices.vsock !== undefined) {
    devices.vsock.model ??= "virtio";
    devices.vsock.cid ??= { auto: true };
    devices.vsock.cid.auto ??= devices.vsock.cid.address === undefined;
  }
}

/** A MAC address in QEMU's range that stays the same for the same domain. */
function macOf(uuid: string, index: number): string {
  const hash = nodeCrypto().createHash("sha256").update(`${uuid}/${index}`).digest();
  return ["52", "54", "00", ...[0, 1, 2].map((byte) => hash.toString("hex", byte, byte + 1))].join(":");
}

function fillInput(input: Input): void {
  if (input.type === "evdev") return;
  input.bus ??= input.type === "passthrough" ? "virtio" : input.type === "tablet" ? "usb" : "ps2";
}

const serialModels = {
  "isa-serial": "isa-serial",
  "pci-serial": "pci-serial",
  "usb-serial": "usb-serial",
  "isa-debug": "isa-debugcon",
} as const;

function fillSerial(serial: Serial): void {
  serial.target ??= {};
  const byAddress =
    serial.address?.type === "usb" ? "usb-serial" : serial.address?.type === "pci" ? "pci-serial" : "isa-serial";
  serial.target.type ??= byAddress;
  serial.target.model ??= serialModels[serial.target.type];
}

/** Ports without a number come after the highest that has one. */
function fillPorts(devices: readonly { target?: { port?: number | undefined } | undefined }[]): void {
  for (const device of devices) {
    device.target ??= {};
    device.target.port ??= 1 + Math.max(-1, ...devices.map((other) => other.target?.port ?? -1));
  }
}

/**
 * Whether libvirt's daemon made up that socket path. XML of a domain that ran there has such paths; they mean
 * "wherever you like", and belong to another program.
 */
function isLibvirtsOwn(path: string | undefined): boolean {
  return path !== undefined && /\/libvirt\/qemu\/(lib\/|run\/)?(domain-|channel\/)/.test(path);
}

/** The primary card comes first; memory as much as libvirt gives. */
function fillVideos({ devices }: Domain): void {
  const primaries = devices.videos.filter((video) => video.model?.primary === true);
  if (primaries[1] !== undefined) throw invalid(primaries[1], "only one video card can be the primary one");
  const [primary] = primaries;
  if (primary !== undefined) devices.videos = [primary, ...devices.videos.filter((video) => video !== primary)];
  for (const video of devices.videos) fillVideo(video);
  const first = devices.videos[0]?.model;
  if (first !== undefined && first.type !== "none") first.primary = true;
}

const vramKiB = { vga: 16384, cirrus: 16384, vmvga: 16384, bochs: 16384, qxl: 65536 } as const;

function fillVideo(video: Video): void {
  video.model ??= {};
  const { model } = video;
  model.type ??= "cirrus";
  if (model.type === "none" || model.type === "ramfb") return;
  if (model.type !== "virtio") model.vramKiB ??= vramKiB[model.type];
  model.heads ??= 1;
  if (model.type !== "qxl") return;
  model.vramKiB = powerOfTwo(model.vramKiB ?? 0);
  model.vgamemKiB = powerOfTwo(model.vgamemKiB ?? 16384);
  model.ramKiB = powerOfTwo(model.ramKiB ?? Math.max(65536, model.vgamemKiB * 4));
}

function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}

/** A port of -1, and none at all where one is needed, is chosen at the start. */
function fillGraphics(graphics: Graphics): void {
  if (graphics.type !== "vnc" && graphics.type !== "spice") return;
  const listen = graphics.listen;
  if (graphics.type === "vnc" && isLibvirtsOwn(graphics.socket)) delete graphics.socket;
  if (graphics.type === "vnc" && graphics.socket !== undefined && graphics.listens.length === 0) {
    graphics.listens.push({ type: "socket", socket: graphics.socket });
  }
  if (graphics.listens.length === 0)
    graphics.listens.push({ type: "address", ...(listen === undefined ? {} : { address: listen }) });
  const [first] = graphics.listens;
  if (first?.type === "address" && first.address === undefined && listen !== undefined) first.address = listen;
  if (first?.type !== "address") return;
  if (graphics.type === "vnc") {
    if (graphics.port === undefined || graphics.port < 1)
      graphics.autoport = graphics.port !== 0 || graphics.autoport !== false;
    if (graphics.autoport === true) graphics.port = -1;
    return;
  }
  if (graphics.port === -1 && graphics.tlsPort === -1) graphics.autoport = true;
  if (graphics.autoport === true) {
    graphics.port = -1;
    graphics.tlsPort = -1;
  }
}
