// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../../domain/domain.ts";
import { unsupported } from "../../xml/complaint.ts";
import { isAtLeast, type QemuVersion } from "../capabilities.ts";
import type { Build } from "./options.ts";

interface Newcomer {
  /** What it is called in messages. */
  readonly what: string;
  readonly since: QemuVersion;
  /** Where the domain uses it; `undefined` when it does not. */
  readonly find: (domain: Domain) => object | undefined;
}

/** What came to QEMU after the oldest release that we write for, by its release notes. */
const newcomers: readonly Newcomer[] = [
  {
    what: "discard_no_unref",
    since: { major: 8, minor: 1 },
    find: ({ devices }) => devices.disks.find((disk) => disk.driver?.discardNoUnref !== undefined),
  },
  {
    what: "<iothreads> of a disk",
    since: { major: 9, minor: 0 },
    find: ({ devices }) => devices.disks.find((disk) => disk.driver?.iothreads !== undefined),
  },
  {
    what: "<iothreads> of a SCSI controller",
    since: { major: 10, minor: 0 },
    find: ({ devices }) =>
      devices.controllers.find((one) => one.type === "scsi" && one.driver?.iothreads !== undefined),
  },
  {
    what: "the network card igb",
    since: { major: 8, minor: 0 },
    find: ({ devices }) => devices.interfaces.find((card) => card.type !== "hostdev" && card.model === "igb"),
  },
  {
    what: "sound of model virtio",
    since: { major: 8, minor: 2 },
    find: ({ devices }) => devices.sounds.find((sound) => sound.model === "virtio"),
  },
  {
    what: "dma_translation of an IOMMU",
    since: { major: 8, minor: 0 },
    find: ({ devices: { iommu } }) =>
      iommu?.model === "intel" && iommu.driver?.dmaTranslation !== undefined ? iommu : undefined,
  },
  {
    what: "dynamicMemslots",
    since: { major: 8, minor: 2 },
    find: ({ devices }) =>
      devices.memories.find((one) => one.model === "virtio-mem" && one.target.dynamicMemslots === true),
  },
  {
    what: "audio of type pipewire",
    since: { major: 8, minor: 1 },
    find: ({ devices }) => devices.audios.find((audio) => audio.type === "pipewire"),
  },
  { what: "<shim>", since: { major: 10, minor: 0 }, find: ({ os }) => (os.shim === undefined ? undefined : os) },
  {
    what: "an interface by passt",
    since: { major: 7, minor: 2 },
    find: ({ devices }) => devices.interfaces.find((card) => card.type === "user" && card.backend?.type === "passt"),
  },
];

/** Refuses what this release of QEMU does not have yet. */
export function assertVersionHas({ domain, environment }: Build): void {
  const { version } = environment.capabilities;
  for (const { what, since, find } of newcomers) {
    if (isAtLeast(version, since)) continue;
    const place = find(domain);
    if (place === undefined) continue;
    const here = `${version.major}.${version.minor}`;
    throw unsupported(place, `${what} needs QEMU ${since.major}.${since.minor}, and this is ${here}`, "a newer QEMU");
  }
}
