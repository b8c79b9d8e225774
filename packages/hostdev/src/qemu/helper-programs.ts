// SPDX-License-Identifier: Apache-2.0

import type { Filesystem } from "../domain/devices/filesystem.ts";
import type { InterfaceOf } from "../domain/devices/network-interface.ts";
import type { Tpm } from "../domain/devices/tpm.ts";
/**
 * The programs that must run beside QEMU for some devices: swtpm for an emulated TPM, virtiofsd for a shared folder,
 * passt for a network. Pure: the command lines, and the sockets that QEMU's arguments name.
 */
import type { Domain } from "../domain/domain.ts";
import { unsupported } from "../xml/complaint.ts";
import type { QemuEnvironment } from "./environment.ts";

/** One program to run. */
export interface HelperProgram {
  /** For messages: `TPM tpm0`. */
  readonly purpose: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The unix socket that appears when it is ready. */
  readonly socket: string;
  /** What must have run to its end before. */
  readonly before?: { readonly command: string; readonly args: readonly string[] };
}

/**
 * The helper programs of a domain, all to be started before QEMU.
 *
 * @param stateDirectory the domain's directory for what outlives a run, such as the TPM's secrets.
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED` for settings that the helpers do not have.
 */
export function helperPrograms(domain: Domain, environment: QemuEnvironment, stateDirectory: string): HelperProgram[] {
  const { devices } = domain;
  const programs: HelperProgram[] = [];
  for (const tpm of devices.tpms) {
    if (tpm.backend.type === "emulator") programs.push(swtpm(domain, tpm, environment, stateDirectory));
  }
  for (const filesystem of devices.filesystems) {
    const isOurs = filesystem.driver?.type === "virtiofs" && filesystem.source.socket === undefined;
    if (isOurs) programs.push(virtiofsd(filesystem, environment));
  }
  for (const card of devices.interfaces) {
    const usesPasst = (card.type === "user" || card.type === "vhostuser") && card.backend?.type === "passt";
    if (usesPasst) programs.push(passt(card, environment));
  }
  return programs;
}

function swtpm(domain: Domain, tpm: Tpm, environment: QemuEnvironment, stateDirectory: string): HelperProgram {
  if (tpm.backend.type !== "emulator") throw unsupported(tpm, "only an emulated TPM has a program", "type='emulator'");
  const { version, encryption, activePcrBanks, source, debug } = tpm.backend;
  if (encryption !== undefined)
    throw unsupported(tpm, "an encrypted TPM state needs a store of secrets", "no <encryption>");
  const isTwo = version !== "1.2";
  const socket = environment.tpmSocket;
  const state = source?.path ?? `${stateDirectory}/tpm`;
  const kind = source?.type === "file" ? `backend-uri=file://${state}` : `dir=${state},mode=0600`;
  const banks = Object.entries(activePcrBanks ?? {}).filter(([, active]) => active);
  const setup = ["--tpmstate", state, "--vmid", `${domain.name}:${domain.uuid}`, "--not-overwrite"];
  if (isTwo) setup.push("--tpm2");
  if (banks.length > 0) setup.push("--pcr-banks", banks.map(([name]) => name).join(","));
  return {
    purpose: `TPM ${tpm.alias}`,
    command: "swtpm",
    args: [
      "socket",
      ...["--ctrl", `type=unixio,path=${socket},mode=0600`],
      ...["--tpmstate", kind],
      ...(isTwo ? ["--tpm2"] : []),
      ...(debug === undefined ? [] : ["--log", `level=${debug}`]),
      "--terminate",
    ],
    socket,
    ...(source?.type === "file" ? {} : { before: { command: "swtpm_setup", args: setup } }),
  };
}

function virtiofsd(filesystem: Filesystem, environment: QemuEnvironment): HelperProgram {
  const { binary, idmap, source, readonly } = filesystem;
  const socket = `${environment.runtimeDirectory}/${filesystem.alias}-fs.sock`;
  const maps = (option: string, ranges: readonly { start: number; target: number; count: number }[] | undefined) =>
    (ranges ?? []).flatMap(({ start, target, count }) => [option, `:${start}:${target}:${count}:`]);
  return {
    purpose: `file system ${filesystem.target.dir}`,
    command: binary?.path ?? "virtiofsd",
    args: [
      ...["--socket-path", socket],
      ...["--shared-dir", source.dir ?? "/"],
      ...(binary?.cacheMode === undefined ? [] : ["--cache", binary.cacheMode === "none" ? "never" : "always"]),
      ...(binary?.sandboxMode === undefined ? [] : ["--sandbox", binary.sandboxMode]),
      ...(binary?.xattr === true ? ["--xattr"] : []),
      ...(binary?.threadPoolSize === undefined ? [] : ["--thread-pool-size", String(binary.threadPoolSize)]),
      ...(readonly ? ["--readonly"] : []),
      ...maps("--uid-map", idmap?.uids),
      ...maps("--gid-map", idmap?.gids),
    ],
    socket,
  };
}

type PasstCard = InterfaceOf<"user"> | InterfaceOf<"vhostuser">;

function passt(card: PasstCard, environment: QemuEnvironment): HelperProgram {
  const socket = environment.passtSocket(card.alias ?? "net0");
  const addresses = card.ips.flatMap(({ address, family, prefix }) => [
    "--address",
    address,
    ...(prefix !== undefined && family !== "ipv6" ? ["--netmask", String(prefix)] : []),
  ]);
  return {
    purpose: `network of ${card.alias}`,
    command: "passt",
    args: [
      "--foreground",
      "--one-off",
      ...(card.type === "vhostuser" ? ["--vhost-user"] : []),
      ...["--socket", socket],
      ...(card.source?.dev === undefined ? [] : ["--interface", card.source.dev]),
      ...(card.backend?.logFile === undefined ? [] : ["--log-file", card.backend.logFile]),
      ...addresses,
      ...card.portForwards.flatMap((forward) => [`--${forward.proto}-ports`, portSpecification(forward)]),
    ],
    socket,
  };
}

/** passt's way of writing which ports go where: `192.0.2.1%eth0/80,1000-1050:2000-2050,~1020`. */
function portSpecification({ address, dev, ranges }: PasstCard["portForwards"][number]): string {
  const where = `${address ?? ""}${dev === undefined ? "" : `%${dev}`}`;
  const ports = ranges.map(({ start = 0, end, to, exclude }) => {
    const from = end === undefined ? `${start}` : `${start}-${end}`;
    if (exclude === true) return `~${from}`;
    if (to === undefined) return from;
    return `${from}:${end === undefined ? to : `${to}-${to + end - start}`}`;
  });
  const list = ports.length === 0 ? "all" : ports.join(",");
  return where === "" ? list : `${where}/${list}`;
}
