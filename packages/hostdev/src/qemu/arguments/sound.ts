// SPDX-License-Identifier: Apache-2.0

/** Sound cards and `-audiodev`. libvirt: qemuBuildSoundCommandLine, qemuBuildAudioCommandLine. */
import type { Audio, Sound } from "../../domain/devices/sound.ts";
import { addressProperties } from "./address.ts";
import { type Build, deviceArgument, type Json, json, type Properties } from "./options.ts";

const drivers: Readonly<Record<Audio["type"], string>> = {
  none: "none",
  spice: "spice",
  dbus: "dbus",
  alsa: "alsa",
  coreaudio: "coreaudio",
  file: "wav",
  jack: "jack",
  oss: "oss",
  pulseaudio: "pa",
  pipewire: "pipewire",
  sdl: "sdl",
};

/** One audio backend. */
export function audioArguments(audio: Audio): string[] {
  const { input, output } = audio as { input?: object; output?: object };
  const own: Record<string, Json> = {};
  if (audio.type === "file") own["path"] = audio.path;
  if (audio.type === "pulseaudio") own["server"] = audio.serverName;
  if (audio.type === "oss") {
    own["try-mmap"] = audio.tryMMap;
    own["exclusive"] = audio.exclusive;
    own["dsp-policy"] = audio.dspPolicy;
  }
  const properties = { id: `audio${audio.id}`, driver: drivers[audio.type], "timer-period": audio.timerPeriod, ...own };
  return ["-audiodev", json({ ...properties, in: direction(input), out: direction(output) })];
}

const directionNames: Readonly<Record<string, string>> = {
  mixingEngine: "mixing-engine",
  fixedSettings: "fixed-settings",
  voices: "voices",
  bufferLength: "buffer-length",
  bufferCount: "buffer-count",
  dev: "dev",
  tryPoll: "try-poll",
  name: "name",
  streamName: "stream-name",
  latency: "latency",
  serverName: "server-name",
  clientName: "client-name",
  connectPorts: "connect-ports",
  exactName: "exact-name",
};

function direction(given: object | undefined): Properties | undefined {
  if (given === undefined) return undefined;
  const { settings, ...rest } = given as {
    settings?: { frequency?: number; channels?: number; format?: string };
  } & Record<string, Json>;
  const result: Record<string, Json> = {};
  for (const [key, value] of Object.entries(rest)) result[directionNames[key] ?? key] = value as Json;
  return { ...result, ...settings };
}

const soundDrivers: Partial<Record<Sound["model"], string>> = {
  es1370: "ES1370",
  sb16: "sb16",
  ac97: "AC97",
  ich6: "intel-hda",
  ich9: "ich9-intel-hda",
  usb: "usb-audio",
  virtio: "virtio-sound-pci",
};

/** One sound card with its codecs; the PC speaker is part of the machine. */
export function soundArguments(build: Build, sound: Sound): string[] {
  const driver = soundDrivers[sound.model];
  if (driver === undefined) return [];
  const audiodev = `audio${sound.audioId ?? build.domain.devices.audios[0]?.id ?? 1}`;
  const isHda = sound.model === "ich6" || sound.model === "ich9";
  const card = deviceArgument(build, {
    driver,
    id: sound.alias,
    audiodev: isHda ? undefined : audiodev,
    multi: sound.model === "usb" ? sound.multichannel : undefined,
    streams: sound.model === "virtio" ? sound.streams : undefined,
    ...addressProperties(build.domain, sound),
  });
  if (!isHda) return card;
  const codecs = sound.codecs.length === 0 ? (["duplex"] as const) : sound.codecs;
  return [
    ...card,
    ...codecs.flatMap((codec, cad) =>
      deviceArgument(build, {
        driver: `hda-${codec}`,
        id: `${sound.alias}-codec${cad}`,
        bus: `${sound.alias}.0`,
        cad,
        audiodev,
      }),
    ),
  ];
}
