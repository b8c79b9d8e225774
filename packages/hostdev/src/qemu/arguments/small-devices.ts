// SPDX-License-Identifier: Apache-2.0

/** Devices of a few lines each. */
import type { CharacterSource } from "../../domain/devices/character-device.ts";
import type { Rng } from "../../domain/devices/rng.ts";
import type { Panic, Shmem, Watchdog } from "../../domain/devices/small-devices.ts";
import { invalid } from "../../xml/complaint.ts";
import { addressProperties, virtioDriver, virtioProperties } from "./address.ts";
import { chardevArguments } from "./character-device.ts";
import { type Build, deviceArgument, keyValues, objectArgument } from "./options.ts";

/** The memory balloon. */
export function memballoonArguments(build: Build): string[] {
  const { memballoon } = build.domain.devices;
  if (memballoon === undefined || memballoon.model === "none") return [];
  return deviceArgument(build, {
    driver: virtioDriver("virtio-balloon", memballoon.model),
    ...virtioProperties(memballoon.driver),
    id: memballoon.alias,
    "deflate-on-oom": memballoon.autodeflate,
    "free-page-reporting": memballoon.freePageReporting,
    ...addressProperties(build.domain, memballoon),
  });
}

/** Random numbers. */
export function rngArguments(build: Build, rng: Rng): string[] {
  const id = `obj${rng.alias}`;
  const source =
    rng.backend.model === "egd" ? chardevArguments(build, rng.backend as CharacterSource, rng.alias ?? "rng0") : [];
  const backends = {
    random: { "qom-type": "rng-random", id, filename: rng.backend.model === "random" ? rng.backend.path : undefined },
    builtin: { "qom-type": "rng-builtin", id },
    egd: { "qom-type": "rng-egd", id, chardev: `char${rng.alias}` },
  };
  return [
    ...source,
    ...objectArgument(backends[rng.backend.model]),
    ...deviceArgument(build, {
      driver: virtioDriver("virtio-rng", rng.model),
      ...virtioProperties(rng.driver),
      rng: id,
      id: rng.alias,
      "max-bytes": rng.rate?.bytes,
      period: rng.rate === undefined ? undefined : (rng.rate.periodMs ?? 1000),
      ...addressProperties(build.domain, rng),
    }),
  ];
}

/** Watchdogs, and what all of them do when they bite. */
export function watchdogArguments(build: Build): string[] {
  const { watchdogs } = build.domain.devices;
  const args = watchdogs.flatMap((watchdog) => oneWatchdog(build, watchdog));
  const [first] = watchdogs;
  if (first === undefined) return args;
  // "dump" is ours: QEMU stops, and the dump is made from outside.
  const action = first.action === "dump" ? "pause" : (first.action ?? "reset");
  return [...args, "-watchdog-action", action];
}

function oneWatchdog(build: Build, watchdog: Watchdog): string[] {
  if (watchdog.model === "itco") return ["-global", "ICH9-LPC.noreboot=off"];
  return deviceArgument(build, {
    driver: watchdog.model,
    id: watchdog.alias,
    ...addressProperties(build.domain, watchdog),
  });
}

/** How the guest tells that it crashed; Hyper-V's way is a feature of the processor. */
export function panicArguments(build: Build, panic: Panic): string[] {
  if (panic.model === "hyperv") return [];
  if (panic.model === "pvpanic")
    return deviceArgument(build, { driver: "pvpanic-pci", id: panic.alias, ...addressProperties(build.domain, panic) });
  return deviceArgument(build, {
    driver: "pvpanic",
    ioport: panic.address?.type === "isa" ? panic.address.iobase : undefined,
  });
}

/** Shared memory. */
export function shmemArguments(build: Build, shmem: Shmem): string[] {
  const place = addressProperties(build.domain, shmem);
  if (shmem.modelType?.type !== "ivshmem-doorbell") {
    const memdev = `shmmem-${shmem.alias}`;
    const object = {
      "qom-type": "memory-backend-file",
      id: memdev,
      "mem-path": `/dev/shm/${shmem.name}`,
      size: (shmem.sizeKiB ?? 4096) * 1024,
      share: true,
    };
    const master = shmem.role === undefined ? undefined : shmem.role === "master" ? "on" : "off";
    return [
      ...objectArgument(object),
      ...deviceArgument(build, { driver: "ivshmem-plain", id: shmem.alias, memdev, master, ...place }),
    ];
  }
  const chardev = `char${shmem.alias}`;
  const path = shmem.server?.path ?? `/var/lib/libvirt/shmem-${shmem.name}-sock`;
  const master = shmem.role === undefined ? undefined : shmem.role === "master" ? "on" : "off";
  const ioeventfd = shmem.msi?.ioeventfd ?? true;
  return [
    ...deviceArgument(build, {
      driver: "ivshmem-doorbell",
      id: shmem.alias,
      chardev,
      master,
      vectors: shmem.msi?.vectors,
      ioeventfd,
      ...place,
    }),
    "-chardev",
    keyValues("socket", { id: chardev, path }),
  ];
}

/** Sockets between host and guest. */
export function vsockArguments(build: Build): string[] {
  const { vsock } = build.domain.devices;
  if (vsock === undefined) return [];
  const cid = vsock.cid?.auto === true ? build.environment.vsockCid : vsock.cid?.address;
  if (cid === undefined) throw invalid(vsock, "the guest CID is missing; give <cid auto='no' address='3'/>");
  const vhostfd = build.environment.descriptors.vhost?.("vsock");
  return deviceArgument(build, {
    driver: virtioDriver("vhost-vsock", vsock.model),
    ...virtioProperties(vsock.driver),
    id: vsock.alias,
    "guest-cid": cid,
    vhostfd: vhostfd === undefined ? undefined : String(vhostfd),
    ...addressProperties(build.domain, vsock),
  });
}

/** The guest's own IOMMU. */
export function iommuArguments(build: Build): string[] {
  const { iommu } = build.domain.devices;
  if (iommu === undefined) return [];
  if (iommu.model === "virtio")
    return deviceArgument(build, {
      driver: "virtio-iommu",
      id: iommu.alias,
      ...addressProperties(build.domain, iommu),
    });
  const { driver } = iommu;
  const onOff = (on: boolean | undefined) => (on === undefined ? undefined : on ? "on" : "off");
  return deviceArgument(build, {
    driver: "intel-iommu",
    id: iommu.alias,
    intremap: onOff(driver?.intremap),
    "caching-mode": driver?.cachingMode,
    eim: onOff(driver?.eim),
    "device-iotlb": driver?.iotlb,
    "aw-bits": driver?.awBits,
    "dma-translation": driver?.dmaTranslation,
  });
}
