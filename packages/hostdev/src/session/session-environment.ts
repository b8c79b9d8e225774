// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { QemuCapabilities } from "../qemu/capabilities.ts";
import type { QemuEnvironment } from "../qemu/environment.ts";

interface Place {
  readonly capabilities: QemuCapabilities;
  readonly emulator: string;
  /** The VM's own folder. */
  readonly directory: string;
  readonly monitorPath: string;
}

/** Where things are for a VM of an ordinary user: everything in folders of his own, QEMU opens all files itself. */
export function sessionEnvironment(
  host: Host,
  { capabilities, emulator, directory, monitorPath }: Place,
): QemuEnvironment {
  const config = host.environment("XDG_CONFIG_HOME") ?? `${host.environment("HOME") ?? "/nonexistent"}/.config`;
  return {
    capabilities,
    emulator,
    runtimeDirectory: directory,
    memoryDirectory: directory,
    nvramDirectory: `${config}/hostdev/nvram`,
    tpmSocket: `${directory}/tpm.sock`,
    passtSocket: (alias) => `${directory}/${alias}.passt`,
    dbusSocket: `${directory}/dbus.sock`,
    monitor: { path: monitorPath },
    startPaused: true,
    kvm: true, // whether the user may is for the preflight to say, with what to do about it
    hugepages: [],
    hostNodes: [],
    spicePassword: false,
    now: host.now(),
    ports: { vnc: 5900, spice: 5901, spiceTls: 5902 },
    firmware: [],
    isCdromDrive: (path) => /^\/dev\/sr\d+$/.test(host.realPath(path) ?? path), // sr: the kernel's CD-ROM driver
    descriptors: {},
    sandbox: "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
  };
}
