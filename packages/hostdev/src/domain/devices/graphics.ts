// SPDX-License-Identifier: Apache-2.0

/** `<graphics>`: how the guest's screen is reached. */
import { attribute, child, childAttribute, type Infer, list, object, required, variants } from "../../xml/schema.ts";
import { anyText, integer, oneOf, path, someText, yesNo } from "../../xml/values.ts";

const listen = list(
  "listen",
  variants("type", {
    address: { address: attribute("address", someText) },
    socket: { socket: attribute("socket", path) },
    none: {},
  }),
);
const port = attribute("port", integer(-1, 65535));
const password = {
  passwd: attribute("passwd", anyText),
  passwdValidTo: attribute("passwdValidTo", someText),
  connected: attribute("connected", oneOf("fail", "disconnect", "keep")),
};
const gl = child("gl", object({ enable: attribute("enable", yesNo), renderNode: attribute("rendernode", path) }));
const secureModes = oneOf("any", "secure", "insecure");

/** `<graphics>`. */
export const graphics = variants("type", {
  vnc: {
    port,
    autoport: attribute("autoport", yesNo),
    websocket: attribute("websocket", integer(-1, 65535)),
    powerControl: attribute("powerControl", yesNo),
    listen: attribute("listen", someText),
    socket: attribute("socket", path),
    keymap: attribute("keymap", someText),
    sharePolicy: attribute("sharePolicy", oneOf("allow-exclusive", "force-shared", "ignore")),
    ...password,
    listens: listen,
    audioId: childAttribute("audio", "id", integer(1)),
  },
  spice: {
    port,
    tlsPort: attribute("tlsPort", integer(-1, 65535)),
    autoport: attribute("autoport", yesNo),
    listen: attribute("listen", someText),
    keymap: attribute("keymap", someText),
    defaultMode: attribute("defaultMode", secureModes),
    ...password,
    listens: listen,
    channels: list(
      "channel",
      object({
        name: required(
          attribute(
            "name",
            oneOf("main", "display", "inputs", "cursor", "playback", "record", "smartcard", "usbredir"),
          ),
        ),
        mode: required(attribute("mode", secureModes)),
      }),
    ),
    imageCompression: childAttribute("image", "compression", oneOf("auto_glz", "auto_lz", "quic", "glz", "lz", "off")),
    jpegCompression: childAttribute("jpeg", "compression", oneOf("auto", "never", "always")),
    zlibCompression: childAttribute("zlib", "compression", oneOf("auto", "never", "always")),
    playbackCompression: childAttribute("playback", "compression", oneOf("on", "off")),
    streamingMode: childAttribute("streaming", "mode", oneOf("filter", "all", "off")),
    mouseMode: childAttribute("mouse", "mode", oneOf("server", "client")),
    clipboardCopypaste: childAttribute("clipboard", "copypaste", yesNo),
    fileTransfer: childAttribute("filetransfer", "enable", yesNo),
    gl,
  },
  sdl: {
    display: attribute("display", someText),
    xauth: attribute("xauth", path),
    fullscreen: attribute("fullscreen", yesNo),
    gl: child("gl", object({ enable: attribute("enable", yesNo) })),
  },
  "egl-headless": { gl: child("gl", object({ renderNode: attribute("rendernode", path) })) },
  dbus: {
    p2p: attribute("p2p", yesNo),
    address: attribute("address", someText),
    gl,
    audioId: childAttribute("audio", "id", integer(1)),
  },
});

export type Graphics = Infer<typeof graphics>;
export type GraphicsOf<T extends Graphics["type"]> = Extract<Graphics, { type: T }>;
