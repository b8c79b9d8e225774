// SPDX-License-Identifier: Apache-2.0

/** Screens. libvirt: qemuBuildGraphicsCommandLine. */
import type { Graphics, GraphicsOf } from "../../domain/devices/graphics.ts";
import { unsupported } from "../../xml/complaint.ts";
import { type Build, escaped } from "./options.ts";

/** One screen. */
export function graphicsArguments(build: Build, graphics: Graphics): string[] {
  switch (graphics.type) {
    case "vnc":
      return vnc(build, graphics);
    case "spice":
      return spice(build, graphics);
    case "sdl": {
      const gl = graphics.gl?.enable === undefined ? "" : `,gl=${graphics.gl.enable ? "on" : "off"}`;
      return [...(graphics.fullscreen === true ? ["-full-screen"] : []), "-display", `sdl${gl}`];
    }
    case "egl-headless":
      return ["-display", `egl-headless,rendernode=${escaped(renderNode(build, graphics, graphics.gl?.renderNode))}`];
    case "dbus":
      return ["-display", dbus(build, graphics)];
  }
}

/** The GPU of the host that draws. */
export function renderNode({ environment }: Build, place: object, named: string | undefined): string {
  const node = named ?? environment.renderNode;
  if (node === undefined)
    throw unsupported(place, "no GPU of this host is known here", "rendernode='/dev/dri/renderD128' or the like");
  return node;
}

function audioDevice({ domain }: Build, id: number | undefined): string | undefined {
  const audio = id ?? domain.devices.audios[0]?.id;
  return audio === undefined ? undefined : `audio${audio}`;
}

function vnc(build: Build, graphics: GraphicsOf<"vnc">): string[] {
  const [listen] = graphics.listens;
  const options: string[] = [];
  if (listen?.type === "socket")
    options.push(`vnc=unix:${escaped(listen.socket ?? `${build.environment.runtimeDirectory}/vnc.sock`)}`);
  else if (listen?.type === "none") options.push("none");
  else {
    const address = listen?.type === "address" ? (listen.address ?? "127.0.0.1") : "127.0.0.1";
    const port = graphics.port === undefined || graphics.port < 0 ? build.environment.ports.vnc : graphics.port;
    if (port < 5900) throw unsupported(graphics, `VNC port ${port} is not supported`, "ports from 5900 on");
    options.push(`${escaped(address.includes(":") ? `[${address}]` : address)}:${port - 5900}`);
    if (graphics.websocket !== undefined) {
      const { websocket } = build.environment.ports;
      options.push(`websocket=${graphics.websocket < 0 ? websocket : graphics.websocket}`);
    }
  }
  if (graphics.sharePolicy !== undefined) options.push(`share=${graphics.sharePolicy}`);
  if (graphics.passwd !== undefined) options.push("password=on");
  if (graphics.powerControl !== undefined) options.push(`power-control=${graphics.powerControl ? "on" : "off"}`);
  const audio = audioDevice(build, graphics.audioId);
  if (audio !== undefined) options.push(`audiodev=${audio}`);
  const keymap = graphics.keymap === undefined ? [] : ["-k", graphics.keymap];
  return ["-vnc", options.join(","), ...keymap];
}

function spice(build: Build, graphics: GraphicsOf<"spice">): string[] {
  const options: string[] = [];
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) options.push(`${name}=${escaped(value)}`);
  };
  const [listen] = graphics.listens;
  if (listen?.type === "socket") {
    options.push("unix=on", `addr=${escaped(listen.socket ?? `${build.environment.runtimeDirectory}/spice.sock`)}`);
  } else spiceAddress(build, graphics, add);
  if (graphics.mouseMode !== undefined) add("agent-mouse", graphics.mouseMode === "client" ? "on" : "off");
  if (graphics.passwd === undefined && !build.environment.spicePassword) add("disable-ticketing", "on");
  if (isEncrypted(graphics)) {
    if (build.environment.spiceCertificates === undefined)
      throw unsupported(
        graphics,
        "encrypted SPICE needs certificates, which are not set up here",
        "port without tlsPort",
      );
    add("x509-dir", build.environment.spiceCertificates);
  }
  if (graphics.defaultMode !== undefined && graphics.defaultMode !== "any") {
    add(graphics.defaultMode === "secure" ? "tls-channel" : "plaintext-channel", "default");
  }
  for (const { name, mode } of graphics.channels) {
    if (mode === "secure") add("tls-channel", name);
    if (mode === "insecure") add("plaintext-channel", name);
  }
  add("image-compression", graphics.imageCompression);
  add("jpeg-wan-compression", graphics.jpegCompression);
  add("zlib-glz-wan-compression", graphics.zlibCompression);
  add("playback-compression", graphics.playbackCompression);
  add("streaming-video", graphics.streamingMode);
  if (graphics.clipboardCopypaste === false) add("disable-copy-paste", "on");
  if (graphics.fileTransfer === false) add("disable-agent-file-xfer", "on");
  if (graphics.gl?.enable === true) {
    add("gl", "on");
    add("rendernode", renderNode(build, graphics, graphics.gl.renderNode));
  }
  add("seamless-migration", "on");
  const keymap = graphics.keymap === undefined ? [] : ["-k", graphics.keymap];
  return ["-spice", options.join(","), ...keymap];
}

/** Whether SPICE has a port for encrypted connections. */
function isEncrypted(graphics: GraphicsOf<"spice">): boolean {
  const needed = graphics.channels.some((channel) => channel.mode === "secure") || graphics.defaultMode === "secure";
  return (graphics.tlsPort ?? 0) > 0 || (graphics.autoport === true && needed);
}

function spiceAddress(
  { environment }: Build,
  graphics: GraphicsOf<"spice">,
  add: (name: string, value: string | undefined) => void,
): void {
  const [listen] = graphics.listens;
  const wanted = graphics.autoport === true || graphics.port === -1 ? environment.ports.spice : (graphics.port ?? 0);
  const port = listen?.type === "none" ? 0 : wanted;
  const encrypted = isEncrypted(graphics);
  if (port > 0 || !encrypted) add("port", String(port));
  const tlsPort = (graphics.tlsPort ?? 0) > 0 ? graphics.tlsPort : environment.ports.spiceTls;
  if (encrypted) add("tls-port", String(tlsPort));
  if (listen?.type === "address" && (port > 0 || encrypted)) add("addr", listen.address ?? "127.0.0.1");
}

function dbus(build: Build, graphics: GraphicsOf<"dbus">): string {
  const options = ["dbus"];
  if (graphics.p2p === true) options.push("p2p=on");
  else options.push(`addr=${escaped(graphics.address ?? `unix:path=${build.environment.dbusSocket}`)}`);
  if (graphics.gl?.enable === true) {
    options.push("gl=on", `rendernode=${escaped(renderNode(build, graphics, graphics.gl.renderNode))}`);
  }
  if (graphics.audioId !== undefined) options.push(`audiodev=audio${graphics.audioId}`);
  return options.join(",");
}
