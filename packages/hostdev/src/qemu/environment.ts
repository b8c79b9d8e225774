// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import type { QemuCapabilities } from "./capabilities.ts";
import type { FirmwareDescriptor } from "./firmware.ts";

/** Everything the arguments depend on beyond the domain; so that making them is pure. */
export interface QemuEnvironment {
  readonly capabilities: QemuCapabilities;
  /** The emulator when the domain names none. */
  readonly emulator: string;
  /** The domain's own directory for sockets; short, as socket paths have at most 107 bytes. */
  readonly runtimeDirectory: string;
  /** Where files that back guest memory go. */
  readonly memoryDirectory: string;
  /** Where NVRAM files go that the XML does not place. */
  readonly nvramDirectory: string;
  /** Where swtpm of this domain listens. */
  readonly tpmSocket: string;
  /** Where the helper of interface `alias` (passt) listens. */
  readonly passtSocket: (alias: string) => string;
  /** Where the private D-Bus of this domain's screen is. */
  readonly dbusSocket: string;
  /** How QMP is reached; QEMU listens there. */
  readonly monitor: { readonly path: string } | { readonly descriptor: number };
  /** Whether the guest waits for `cont`. */
  readonly startPaused: boolean;
  /** Whether KVM can be used; needed by domains of type kvm. */
  readonly kvm: boolean;
  /** Sizes of hugepages, the default first, each with its file system; without one QEMU gets them as memfd. */
  readonly hugepages: readonly { readonly sizeKiB: number; readonly directory?: string }[];
  /** The host's NUMA nodes. */
  readonly hostNodes: readonly number[];
  /** The nodes that CPUs of the host belong to; all of them when it is not known. */
  readonly nodesOfCpus?: (cpus: readonly number[]) => readonly number[];
  /** Ports to take for screens whose port is left to us. */
  readonly ports: {
    readonly vnc: number;
    readonly websocket: number;
    readonly spice: number;
    readonly spiceTls: number;
  };
  /** The GPU for OpenGL when the domain names none, such as `/dev/dri/renderD128`. */
  readonly renderNode?: string;
  /** Whether SPICE screens without a password get one from elsewhere; otherwise they are open to who reaches them. */
  readonly spicePassword: boolean;
  /** Folder of the certificates for encrypted SPICE. */
  readonly spiceCertificates?: string;
  /** Folder of the certificates for encrypted character devices. */
  readonly chardevCertificates?: string;
  /** The time of the start, for clocks that are set off from it. */
  readonly now: Date;
  /** Guest CID for a vsock device that has none. */
  readonly vsockCid?: number;
  /** Firmware that the machine has, in the order of preference. */
  readonly firmware: readonly FirmwareDescriptor[];
  /** For the CPU mode host-model: QEMU's model with its features, nearest to the host's processor, by domain type. */
  readonly hostCpu?: { readonly kvm: string; readonly qemu: string };
  /** Whether QEMU may open `/dev/vhost-net`, with which the kernel moves the packets of virtio cards on tap devices. */
  readonly hasVhostNet?: boolean;
  /** Whether a block device of the host is a CD-ROM drive, whose tray QEMU then works. */
  readonly isCdromDrive: (path: string) => boolean;
  /** The node of a SCSI device of the host, such as `/dev/sg0`. */
  readonly scsiNode?: (adapter: string, bus: number, target: number, unit: number) => string | undefined;
  readonly descriptors: Descriptors;
  /** What `-sandbox` says; `undefined` for none. */
  readonly sandbox: string | undefined;
}

/**
 * Files and sockets opened beforehand, which QEMU gets as numbered file descriptors. Where a function is absent,
 * QEMU opens the path itself.
 */
export interface Descriptors {
  readonly listen?: (path: string | undefined) => number;
  readonly file?: (path: string, append: boolean) => number;
  /** The tap device of an interface: one descriptor for each queue, and vhost ones where it is used. */
  readonly tap?: (
    alias: string,
    queues: number,
    vhost: boolean,
  ) => { readonly fds: readonly number[]; readonly vhostFds: readonly number[] };
  /** A network card that does virtio itself, such as `/dev/vhost-vdpa-0`. */
  readonly vdpa?: (path: string) => number;
  readonly vhost?: (device: "vsock" | "scsi") => number;
  /** A vhost-user helper that was started for a video card. */
  readonly helper?: (alias: string) => number;
}

/** The directory and file names of a domain: libvirt's "short name", at most 20 characters of it. */
export function shortName(domain: Domain, id = -1): string {
  return `${id}-${[...domain.name].slice(0, 20).join("")}`;
}
