// SPDX-License-Identifier: Apache-2.0
import type { CapabilityKind } from "./capability-kind.ts";
import { toNumber, UdevDevice } from "./udev-device.ts";
import { capabilityElement, textElement } from "./xml-output.ts";

/** A SCSI host adapter, or what behaves like one (SATA, USB storage, virtio). */
export interface ScsiHostCapability {
  readonly type: "scsi_host";
  readonly host: number;
  readonly uniqueId: number | undefined;
  /** Names of a Fibre Channel adapter, as hexadecimal digits. */
  readonly fibreChannel: {
    readonly wwnn: string;
    readonly wwpn: string;
    readonly fabricWwn: string | undefined;
  } | null;
  /** Of an adapter that can make virtual ones. */
  readonly virtualPorts: { readonly max: number; readonly inUse: number } | null;
}

/** libvirt: `udevProcessSCSIHost`, `virNodeDeviceGetSCSIHostCaps`, `virNodeDeviceCapSCSIHostDefFormat`. */
export const scsiHostKind: CapabilityKind<ScsiHostCapability> = {
  isListed: ({ sysname }) => /^host\d+$/.test(sysname),
  further: (device) => {
    const { fibreChannel, virtualPorts } = readAdapter(device);
    return [
      ...(fibreChannel === null ? [] : (["fc_host"] as const)),
      ...(virtualPorts === null ? [] : (["vports"] as const)),
    ];
  },
  read: (device) => ({
    type: "scsi_host",
    host: Number(device.sysname.slice("host".length)),
    uniqueId: classDevice(device, "scsi_host").number("unique_id"),
    ...readAdapter(device),
  }),
  format: ({ host, uniqueId, fibreChannel, virtualPorts }) => [
    ...textElement("host", host),
    ...textElement("unique_id", uniqueId),
    ...(fibreChannel === null
      ? []
      : [
          capabilityElement("fc_host", [
            ...textElement("wwnn", fibreChannel.wwnn),
            ...textElement("wwpn", fibreChannel.wwpn),
            ...textElement("fabric_wwn", fibreChannel.fabricWwn),
          ]),
        ]),
    ...(virtualPorts === null
      ? []
      : [
          capabilityElement("vport_ops", [
            ...textElement("max_vports", virtualPorts.max),
            ...textElement("vports", virtualPorts.inUse),
          ]),
        ]),
  ],
};

function classDevice({ host, sysname }: UdevDevice, name: string): UdevDevice {
  return new UdevDevice(host, name, `/sys/class/${name}/${sysname}`);
}

/** An adapter that doesn't say all counts as an ordinary one. */
function readAdapter(device: UdevDevice): Pick<ScsiHostCapability, "fibreChannel" | "virtualPorts"> {
  const none = { fibreChannel: null, virtualPorts: null };
  const adapter = classDevice(device, "fc_host");
  const has = (path: string) => device.host.status(path) !== undefined;
  const name = (file: string) => adapter.attribute(file)?.replace(/^0x/, "");
  const [wwnn, wwpn] = [name("node_name"), name("port_name")];
  const isFibreChannel = has(adapter.path);
  if (isFibreChannel && (wwnn === undefined || wwpn === undefined)) return none;
  const fibreChannel = wwnn === undefined || wwpn === undefined ? null : { wwnn, wwpn, fabricWwn: name("fabric_name") };
  const makesPorts = [adapter, classDevice(device, "scsi_host")].some(({ path }) => has(`${path}/vport_create`));
  if (!makesPorts) return { fibreChannel, virtualPorts: null };
  const max = toNumber(adapter.attribute("max_npiv_vports"), 10);
  const inUse = toNumber(adapter.attribute("npiv_vports_inuse"), 10);
  return max === undefined || inUse === undefined ? none : { fibreChannel, virtualPorts: { max, inUse } };
}
