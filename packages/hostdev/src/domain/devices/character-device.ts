// SPDX-License-Identifier: Apache-2.0

/** Character devices: `<serial>`, `<parallel>`, `<console>`, `<channel>`, and what carries their bytes. */
import {
  attribute,
  child,
  childAttribute,
  type Fields,
  type Infer,
  list,
  object,
  required,
  type Shape,
  variants,
} from "../../xml/schema.ts";
import { integer, matching, oneOf, onOff, path, someText, yesNo } from "../../xml/values.ts";
import { deviceLabel } from "../security-label.ts";
import { deviceInfo } from "./device-info.ts";
import { reconnect } from "./storage-source.ts";

const labels = list("seclabel", deviceLabel);
const mode = attribute("mode", oneOf("bind", "connect"));
const service = attribute("service", matching(/^[A-Za-z0-9-]{1,32}$/, "a port number or service name"));
const log = child("log", object({ file: required(attribute("file", path)), append: attribute("append", onOff) }));
const withPath = { source: required(child("source", object({ path: required(attribute("path", path)), labels }))) };
const protocol = childAttribute("protocol", "type", oneOf("raw", "telnet", "telnets", "tls"));
const channelName = child("source", object({ channel: attribute("channel", someText) }));

/** The kinds of backends and the elements that describe each. */
export const characterSources = {
  null: {},
  vc: {},
  stdio: {},
  pty: { tty: attribute("tty", path), source: child("source", object({ path: attribute("path", path), labels })) },
  file: {
    source: required(
      child("source", object({ path: required(attribute("path", path)), append: attribute("append", onOff), labels })),
    ),
  },
  pipe: withPath,
  dev: withPath,
  unix: {
    source: child("source", object({ mode, path: attribute("path", path), reconnect, labels })),
    protocol,
  },
  tcp: {
    source: required(
      child(
        "source",
        object({
          mode,
          host: required(attribute("host", someText)),
          service: required(service),
          tls: attribute("tls", yesNo),
          reconnect,
        }),
      ),
    ),
    protocol,
  },
  udp: {
    sources: list(
      "source",
      object({ mode: required(mode), host: attribute("host", someText), service: required(service) }),
    ),
  },
  spicevmc: {},
  spiceport: { source: required(child("source", object({ channel: required(attribute("channel", someText)) }))) },
  "qemu-vdagent": {
    source: child(
      "source",
      object({
        clipboardCopypaste: childAttribute("clipboard", "copypaste", yesNo),
        mouseMode: childAttribute("mouse", "mode", oneOf("server", "client")),
      }),
    ),
  },
  dbus: { source: channelName },
} satisfies Record<string, Fields>;

export type CharacterSourceType = keyof typeof characterSources;
/** What carries the bytes of a character device. */
export type CharacterSource = {
  [K in CharacterSourceType]: { type: K } & Shape<(typeof characterSources)[K]> & Shape<{ log: typeof log }>;
}[CharacterSourceType];

/** A device that is a character backend with these fields in front of and behind its source. */
export function characterDevice<F extends Fields, G extends Fields>(
  before: F,
  after: G,
  impliedType?: CharacterSourceType,
  attributesBefore = 0,
) {
  const { null: _, ...s } = characterSources;
  return variants(
    "type",
    {
      null: { ...before, log, ...after },
      vc: { ...before, ...s.vc, log, ...after },
      stdio: { ...before, ...s.stdio, log, ...after },
      pty: { ...before, ...s.pty, log, ...after },
      file: { ...before, ...s.file, log, ...after },
      pipe: { ...before, ...s.pipe, log, ...after },
      dev: { ...before, ...s.dev, log, ...after },
      unix: { ...before, ...s.unix, log, ...after },
      tcp: { ...before, ...s.tcp, log, ...after },
      udp: { ...before, ...s.udp, log, ...after },
      spicevmc: { ...before, ...s.spicevmc, log, ...after },
      spiceport: { ...before, ...s.spiceport, log, ...after },
      "qemu-vdagent": { ...before, ...s["qemu-vdagent"], log, ...after },
      dbus: { ...before, ...s.dbus, log, ...after },
    },
    impliedType,
    attributesBefore,
  );
}

const port = attribute("port", integer(0, 255));

/** `<serial>`. */
export const serial = characterDevice(
  {},
  {
    target: child(
      "target",
      object({
        type: attribute("type", oneOf("isa-serial", "pci-serial", "usb-serial", "isa-debug")),
        port,
        model: childAttribute("model", "name", oneOf("isa-serial", "pci-serial", "usb-serial", "isa-debugcon")),
      }),
    ),
    ...deviceInfo,
  },
);

/** `<parallel>`. */
export const parallel = characterDevice({}, { target: child("target", object({ port })), ...deviceInfo });

/** `<console>`; the first one of type serial is the first serial port by another name. */
export const console = characterDevice(
  {},
  { target: child("target", object({ type: attribute("type", oneOf("serial", "virtio")), port })), ...deviceInfo },
);

/** `<channel>`: a pipe between host and guest. */
export const channel = characterDevice(
  {},
  {
    target: required(
      child(
        "target",
        variants("type", {
          virtio: {
            name: attribute("name", someText),
            state: attribute("state", oneOf("connected", "disconnected", "default")),
          },
          guestfwd: {
            address: required(attribute("address", someText)),
            port: required(attribute("port", integer(1, 65535))),
          },
        }),
      ),
    ),
    ...deviceInfo,
  },
);

export type Serial = Infer<typeof serial>;
export type Parallel = Infer<typeof parallel>;
export type Console = Infer<typeof console>;
export type Channel = Infer<typeof channel>;
