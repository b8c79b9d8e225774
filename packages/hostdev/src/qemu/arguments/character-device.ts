// SPDX-License-Identifier: Apache-2.0

/** `-chardev` and the ports of the guest behind it. libvirt: qemuBuildChardevStr, qemuBuildSerialChrDeviceProps. */
import { findController } from "../../domain/controllers.ts";
import type { Channel, CharacterSource, Console, Parallel, Serial } from "../../domain/devices/character-device.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import { addressProperties } from "./address.ts";
import { type Build, deviceArgument, escaped, json, keyValues, objectArgument } from "./options.ts";

/** The backend of a character device, with what it needs in front. */
export function chardevArguments(build: Build, source: CharacterSource, alias: string): string[] {
  const args: string[] = [];
  const fdset = (path: string, append: boolean, opaque: string): string => {
    const open = build.environment.descriptors.file;
    if (open === undefined) return path;
    const set = build.fdSets.next++;
    args.push("-add-fd", `set=${set},fd=${open(path, append)},opaque=${escaped(opaque)}`);
    return `/dev/fdset/${set}`;
  };
  const { kind, options } = backend(build, source, alias, (path, append) => fdset(path, append, `${alias}-source`));
  const log = source.log;
  const logOptions =
    log === undefined
      ? {}
      : {
          logfile: fdset(log.file, log.append ?? false, `${alias}-log`),
          logappend: build.environment.descriptors.file !== undefined || (log.append ?? false),
        };
  const tls = tlsCredentials(build, source, alias);
  if (tls !== undefined) args.push(...objectArgument(tls));
  return [
    ...args,
    "-chardev",
    keyValues(kind, { id: `char${alias}`, ...options, "tls-creds": tls?.id, ...logOptions }),
  ];
}

/** The certificates of an encrypted connection, both ends of which must show theirs. libvirt: qemuBuildTLSx509BackendProps. */
function tlsCredentials({ environment }: Build, source: CharacterSource, alias: string) {
  if (source.type !== "tcp" || source.source.tls !== true) return undefined;
  const dir = environment.chardevCertificates;
  if (dir === undefined)
    throw unsupported(
      source.source,
      "there are no certificates for tls='yes'",
      "it with /etc/pki/libvirt-chardev or /etc/pki/qemu",
    );
  const endpoint = source.source.mode === "bind" ? "server" : "client";
  return { "qom-type": "tls-creds-x509", id: `objchar${alias}_tls0`, dir, endpoint, "verify-peer": true } as const;
}

type Options = Readonly<Record<string, string | number | boolean | undefined>>;

function backend(
  build: Build,
  source: CharacterSource,
  alias: string,
  file: (path: string, append: boolean) => string,
): { kind: string; options: Options } {
  switch (source.type) {
    case "null":
    case "vc":
    case "pty":
    case "stdio":
      return { kind: source.type, options: {} };
    case "file": {
      const append = source.source.append ?? false;
      const passed = build.environment.descriptors.file !== undefined;
      return {
        kind: "file",
        options: { path: file(source.source.path, append), append: passed || source.source.append },
      };
    }
    case "pipe":
      return { kind: "pipe", options: { path: source.source.path } };
    case "dev":
      return { kind: "serial", options: { path: source.source.path } };
    case "unix":
      return { kind: "socket", options: unixOptions(build, source, alias) };
    case "tcp": {
      const { host, service, mode } = source.source;
      const listens = mode === "bind";
      if (source.protocol === "tls" || source.protocol === "telnets")
        throw invalid(source.source, `protocol ${source.protocol} is not supported`);
      return {
        kind: "socket",
        options: {
          host,
          port: service,
          telnet: source.protocol === "telnet" ? true : undefined,
          ...(listens ? { server: true, wait: false } : {}),
          ...reconnectOption(build, source.source.reconnect),
        },
      };
    }
    case "udp": {
      const bind = source.sources.find((end) => end.mode === "bind");
      const connect = source.sources.find((end) => end.mode === "connect");
      if (connect === undefined) throw invalid(source, "a udp device needs a <source mode='connect'>");
      return {
        kind: "udp",
        options: {
          host: connect.host ?? "",
          port: connect.service,
          localaddr: bind?.host ?? "",
          localport: bind?.service ?? "0",
        },
      };
    }
    case "spicevmc":
      return { kind: "spicevmc", options: { name: spiceName(alias) } };
    case "spiceport":
      return { kind: "spiceport", options: { name: source.source.channel } };
    case "dbus":
      return {
        kind: "dbus",
        options: { name: source.source?.channel ?? (alias.startsWith("redir") ? "org.qemu.usbredir" : undefined) },
      };
    case "qemu-vdagent": {
      const { clipboardCopypaste, mouseMode } = source.source ?? {};
      return {
        kind: "qemu-vdagent",
        options: {
          name: "vdagent",
          clipboard: clipboardCopypaste,
          mouse: mouseMode === undefined ? undefined : mouseMode === "client",
        },
      };
    }
  }
}

function unixOptions(build: Build, source: Extract<CharacterSource, { type: "unix" }>, alias: string): Options {
  const { path, mode, reconnect } = source.source ?? {};
  if (mode === "connect") return { path, ...reconnectOption(build, reconnect) };
  const { listen } = build.environment.descriptors;
  const where = path ?? `${build.environment.runtimeDirectory}/${alias}.sock`;
  return { ...(listen === undefined ? { path: where } : { fd: listen(path) }), server: true, wait: false };
}

/** How often a lost connection is tried again. */
export function reconnectOption(
  { environment }: Build,
  reconnect: { enabled: boolean; timeoutSeconds?: number | undefined } | undefined,
): Options {
  if (reconnect === undefined) return {};
  const seconds = reconnect.enabled ? (reconnect.timeoutSeconds ?? 0) : 0;
  return environment.capabilities.reconnectMs ? { "reconnect-ms": seconds * 1000 } : { reconnect: seconds };
}

function spiceName(alias: string): string {
  if (alias.startsWith("smartcard")) return "smartcard";
  return alias.startsWith("redir") ? "usbredir" : "vdagent";
}

/** Serial ports. */
export function serialArguments(build: Build, serial: Serial): string[] {
  const alias = serial.alias ?? "serial0";
  const model = serial.target?.model ?? "isa-serial";
  const isIsa = model === "isa-serial" || model === "isa-debugcon";
  return [
    ...chardevArguments(build, serial as CharacterSource, alias),
    ...deviceArgument(build, {
      driver: model,
      chardev: `char${alias}`,
      id: alias,
      index: isIsa && model !== "isa-debugcon" ? serial.target?.port : undefined,
      ...addressProperties(build.domain, serial),
    }),
  ];
}

/** Parallel ports; a port of the host has a backend of its own. */
export function parallelArguments(build: Build, parallel: Parallel): string[] {
  const alias = parallel.alias ?? "parallel0";
  const chardev =
    parallel.type === "dev"
      ? ["-chardev", keyValues("parallel", { id: `char${alias}`, path: parallel.source.path })]
      : chardevArguments(build, parallel as CharacterSource, alias);
  return [
    ...chardev,
    ...deviceArgument(build, {
      driver: "isa-parallel",
      chardev: `char${alias}`,
      id: alias,
      ...addressProperties(build.domain, parallel),
    }),
  ];
}

/** Channels: ports of virtio-serial, or a TCP address of the guest that leads out here. */
export function channelArguments(build: Build, channel: Channel): string[] {
  const alias = channel.alias ?? "channel0";
  const chardev = chardevArguments(build, channel as CharacterSource, alias);
  const { target } = channel;
  if (target.type === "guestfwd") {
    const str = `tcp:${target.address}:${target.port}-chardev:char${alias}`;
    return [...chardev, "-netdev", json({ type: "user", guestfwd: [{ str }], id: alias })];
  }
  const name = target.name;
  return [
    ...chardev,
    ...deviceArgument(build, {
      driver: "virtserialport",
      ...virtioPort(build, channel),
      chardev: `char${alias}`,
      id: alias,
      name,
    }),
  ];
}

/** Consoles of virtio-serial; those of type serial are serial ports already. */
export function consoleArguments(build: Build, console: Console): string[] {
  if (console.target?.type !== "virtio") return [];
  const alias = console.alias ?? "console0";
  return [
    ...chardevArguments(build, console as CharacterSource, alias),
    ...deviceArgument(build, {
      driver: "virtconsole",
      ...virtioPort(build, console),
      chardev: `char${alias}`,
      id: alias,
    }),
  ];
}

function virtioPort({ domain }: Build, { address }: Channel | Console) {
  if (address?.type !== "virtio-serial") return {};
  const controller =
    findController(domain, "virtio-serial", address.controller)?.alias ?? `virtio-serial${address.controller}`;
  return { bus: `${controller}.0`, nr: address.port };
}
