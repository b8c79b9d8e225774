// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { QemuCapabilities } from "../qemu/capabilities.ts";
import type { QemuEnvironment } from "../qemu/environment.ts";
import { readFirmware } from "./host-firmware.ts";
import { nodesOfCpus, readHostNodes, readHugepages } from "./host-memory.ts";
import { freePort, readListeners } from "./listening.ts";

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
  let ports: QemuEnvironment["ports"] | undefined;
  const renderNode = findRenderNode(host);
  const config = host.environment("XDG_CONFIG_HOME") ?? `${host.environment("HOME") ?? "/nonexistent"}/.config`;
  const certificates = ["/etc/pki/libvirt-chardev", "/etc/pki/qemu"].find((folder) => host.canAccess(folder, "read"));
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
    hugepages: readHugepages(host).map(({ sizeKiB }) => ({ sizeKiB })),
    hostNodes: readHostNodes(host),
    nodesOfCpus: (cpus) => nodesOfCpus(host, cpus),
    hostCpu: { kvm: "host,migratable=on", qemu: "max" },
    spicePassword: false,
    now: host.now(),
    // Few domains listen on a port, and the kernel takes long to tell who does.
    get ports() {
      ports ??= freePorts(host);
      return ports;
    },
    ...(renderNode === undefined ? {} : { renderNode }),
    firmware: readFirmware(host),
    isCdromDrive: (path) => /^\/dev\/sr\d+$/.test(host.realPath(path) ?? path), // sr: the kernel's CD-ROM driver
    hasVhostNet: host.canAccess("/dev/vhost-net", "read-write"),
    ...(certificates === undefined ? {} : { chardevCertificates: certificates }),
    descriptors: {},
    sandbox: "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
  };
}

function freePorts(host: Host): QemuEnvironment["ports"] {
  const listeners = readListeners(host);
  const vnc = freePort(listeners, 5900);
  const spice = freePort([...listeners, { address: "::", port: vnc }], vnc + 1);
  const spiceTls = freePort(listeners, spice + 1);
  return { vnc, websocket: freePort(listeners, 5700), spice, spiceTls };
}

/** The first GPU that the caller may draw with. */
function findRenderNode(host: Host): string | undefined {
  const nodes = (host.list("/dev/dri") ?? []).filter((name) => /^renderD\d+$/.test(name)).sort();
  return nodes.map((name) => `/dev/dri/${name}`).find((path) => host.canAccess(path, "read-write"));
}
