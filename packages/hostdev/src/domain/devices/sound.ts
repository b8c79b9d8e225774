// SPDX-License-Identifier: Apache-2.0

/** `<sound>` cards and the `<audio>` backends they play to. */
import {
  attribute,
  child,
  childAttribute,
  childAttributes,
  type Fields,
  type Infer,
  object,
  required,
  variants,
} from "../../xml/schema.ts";
import { integer, oneOf, path, someText, yesNo } from "../../xml/values.ts";
import { deviceInfo } from "./device-info.ts";

/** `<sound>`. */
export const sound = object({
  model: required(attribute("model", oneOf("sb16", "es1370", "pcspk", "ac97", "ich6", "ich9", "usb", "virtio"))),
  multichannel: attribute("multichannel", yesNo),
  streams: attribute("streams", integer(1, 64)),
  codecs: childAttributes("codec", "type", oneOf("duplex", "micro", "output")),
  audioId: childAttribute("audio", "id", integer(1)),
  ...deviceInfo,
});
export type Sound = Infer<typeof sound>;

const common = {
  mixingEngine: attribute("mixingEngine", yesNo),
  fixedSettings: attribute("fixedSettings", yesNo),
  voices: attribute("voices", integer(1)),
  bufferLength: attribute("bufferLength", integer(1)),
} satisfies Fields;
const settings = {
  settings: child(
    "settings",
    object({
      frequency: attribute("frequency", integer(1)),
      channels: attribute("channels", integer(1)),
      format: attribute("format", oneOf("s8", "u8", "s16", "u16", "s32", "u32", "f32")),
    }),
  ),
} satisfies Fields;

/** `<input>` and `<output>` of a backend, with what this kind has beyond the common fields. */
function directions<F extends Fields>(own: F) {
  const direction = object({ ...common, ...own, ...settings });
  return { input: child("input", direction), output: child("output", direction) };
}

const id = { id: required(attribute("id", integer(1))) };
const timer = { timerPeriod: attribute("timerPeriod", integer(1)) };
const bufferCount = attribute("bufferCount", integer(1));
const tryPoll = attribute("tryPoll", yesNo);
const name = attribute("name", someText);

/** `<audio>`. */
export const audio = variants(
  "type",
  {
    none: { ...id, ...timer, ...directions({}) },
    spice: { ...id, ...timer, ...directions({}) },
    dbus: { ...id, ...timer, ...directions({}) },
    alsa: { ...id, ...timer, ...directions({ dev: attribute("dev", someText), tryPoll }) },
    coreaudio: { ...id, ...timer, ...directions({ bufferCount }) },
    file: { ...id, ...timer, path: attribute("path", someText), ...directions({}) },
    jack: {
      ...id,
      ...timer,
      ...directions({
        serverName: attribute("serverName", someText),
        clientName: attribute("clientName", someText),
        connectPorts: attribute("connectPorts", someText),
        exactName: attribute("exactName", yesNo),
      }),
    },
    oss: {
      ...id,
      ...timer,
      tryMMap: attribute("tryMMap", yesNo),
      exclusive: attribute("exclusive", yesNo),
      dspPolicy: attribute("dspPolicy", integer(-1)),
      ...directions({ dev: attribute("dev", someText), bufferCount, tryPoll }),
    },
    pulseaudio: {
      ...id,
      ...timer,
      serverName: attribute("serverName", someText),
      ...directions({ name, streamName: attribute("streamName", someText), latency: attribute("latency", integer(1)) }),
    },
    pipewire: {
      ...id,
      ...timer,
      runtimeDir: attribute("runtimeDir", path),
      ...directions({ name, streamName: attribute("streamName", someText), latency: attribute("latency", integer(1)) }),
    },
    sdl: {
      ...id,
      ...timer,
      driver: attribute("driver", oneOf("esd", "alsa", "arts", "pulseaudio")),
      ...directions({ bufferCount }),
    },
  },
  undefined,
  1,
);
export type Audio = Infer<typeof audio>;
