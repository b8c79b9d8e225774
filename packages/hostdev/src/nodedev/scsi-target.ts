// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from "node:path";
import type { CapabilityKind } from "./capability-kind.ts";
import { UdevDevice } from "./udev-device.ts";
import { capabilityElement, textElement } from "./xml-output.ts";

/** A SCSI target. */
export interface ScsiTargetCapability {
  readonly type: "scsi_target";
  readonly target: string;
  /** The remote port that a Fibre Channel target is behind. */
  readonly remotePort: { readonly name: string; readonly wwpn: string } | null;
}

/** libvirt: `udevProcessSCSITarget`, `virNodeDeviceGetSCSITargetCaps`. */
export const scsiTargetKind: CapabilityKind<ScsiTargetCapability> = {
  read: (device) => ({ type: "scsi_target", target: device.sysname, remotePort: readRemotePort(device) }),
  format: ({ target, remotePort }) => [
    ...textElement("target", target),
    ...(remotePort === null
      ? []
      : [
          capabilityElement("fc_remote_port", [
            ...textElement("rport", remotePort.name),
            ...textElement("wwpn", remotePort.wwpn),
          ]),
        ]),
  ],
};

function readRemotePort({ host, path }: UdevDevice): ScsiTargetCapability["remotePort"] {
  const name = basename(dirname(path));
  if (!name.startsWith("rport-")) return null;
  const port = new UdevDevice(host, "fc_remote_ports", `/sys/class/fc_remote_ports/${name}`);
  const wwpn = port.attribute("port_name");
  return wwpn === undefined ? null : { name, wwpn };
}
