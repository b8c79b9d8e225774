// SPDX-License-Identifier: Apache-2.0

/** Devices of a few lines each. */
import { findController } from "../../domain/controllers.ts";
import type { CharacterSource } from "../../domain/devices/character-device.ts";
import type { Filesystem } from "../../domain/devices/filesystem.ts";
import type { Input } from "../../domain/devices/input.ts";
import type { Rng } from "../../domain/devices/rng.ts";
import type { Hub, Panic, Redirdev, Redirfilter, Shmem, Watchdog } from "../../domain/devices/small-devices.ts";
import type { Smartcard } from "../../domain/devices/smartcard.ts";
import type { Tpm } from "../../domain/devices/tpm.ts";
import { invalid } from "../../xml/complaint.ts";
import { addressProperties, virtioDriver, virtioProperties } from "./address.ts";
import { chardevArguments } from "./character-device.ts";
import { type Build, deviceArgument, escaped, keyValues, objectArgument, type Properties } from "./options.ts";

/** Mice, tablets, keyboards; PS/2 ones are part of the machine. */
export function inputArguments(build: Build, input: Input): string[] {
  const place = addressProperties(build.domain, input);
  if (input.type === "evdev") {
    const { dev, repeat, grab, grabToggle } = input.source;
    return objectArgument({
      "qom-type": "input-linux",
      id: input.alias,
      evdev: dev,
      repeat,
      grab_all: grab === "all" ? true : undefined,
      "grab-toggle": grabToggle,
    });
  }
  if (input.bus === "usb") {
    const driver = { mouse: "usb-mouse", tablet: "usb-tablet", keyboard: "usb-kbd", passthrough: "" }[input.type];
    return deviceArgument(build, { driver, id: input.alias, ...place });
  }
  if (input.bus !== "virtio") return [];
  const base = input.type === "passthrough" ? "virtio-input-host" : `virtio-${input.type}`;
  const evdev = input.type === "passthrough" ? input.source.evdev : undefined;
  return deviceArgument(build, {
    driver: virtioDriver(base, input.model),
    ...virtioProperties(input.driver),
    id: input.alias,
    evdev,
    ...place,
  });
}

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

/** USB hubs. */
export function hubArguments(build: Build, hub: Hub): string[] {
  return deviceArgument(build, { driver: "usb-hub", id: hub.alias, ...addressProperties(build.domain, hub) });
}

/** USB devices that come from the viewer of the screen. */
export function redirdevArguments(build: Build, redirdev: Redirdev): string[] {
  const alias = redirdev.alias ?? "redir0";
  return [
    ...chardevArguments(build, redirdev as CharacterSource, alias),
    ...deviceArgument(build, {
      driver: "usb-redir",
      chardev: `char${alias}`,
      id: alias,
      filter: filterRules(build.domain.devices.redirfilter),
      bootindex: redirdev.boot?.order,
      ...addressProperties(build.domain, redirdev),
    }),
  ];
}

function filterRules(filter: Redirfilter | undefined): string | undefined {
  if (filter === undefined) return undefined;
  const hex = (text: string | undefined, digits: number) => {
    const value = text === undefined ? -1 : Number(text);
    return value < 0 ? "-1" : `0x${value.toString(16).toUpperCase().padStart(digits, "0")}`;
  };
  return filter.rules
    .map((rule) =>
      [
        hex(rule.class, 2),
        hex(rule.vendor, 4),
        hex(rule.product, 4),
        bcdVersion(rule.version),
        rule.allow ? "1" : "0",
      ].join(":"),
    )
    .join("|");
}

/** A version such as 1.10 in USB's binary-coded decimals: 0x0110. */
function bcdVersion(version: string | undefined): string {
  if (version === undefined || version === "-1") return "-1";
  const [major = "0", minor = "0"] = version.split(".");
  return `0x${major.padStart(2, "0")}${minor.padEnd(2, "0")}`;
}

/** Smart cards. */
export function smartcardArguments(build: Build, card: Smartcard): string[] {
  const alias = card.alias ?? "smartcard0";
  const place = card.address?.type === "ccid" ? card.address : { controller: 0, slot: 0 };
  const reader = findController(build.domain, "ccid", place.controller)?.alias ?? `ccid${place.controller}`;
  const end: Properties = { id: alias, bus: `${reader}.${place.slot}` };
  if (card.mode === "host")
    return deviceArgument(build, { driver: "ccid-card-emulated", backend: "nss-emulated", ...end });
  if (card.mode === "passthrough") {
    return [
      ...chardevArguments(build, card as CharacterSource, alias),
      ...deviceArgument(build, { driver: "ccid-card-passthru", chardev: `char${alias}`, ...end }),
    ];
  }
  const [cert1, cert2, cert3, more] = card.certificates;
  if (cert3 === undefined || more !== undefined) throw invalid(card, "it takes three certificates");
  return deviceArgument(build, {
    driver: "ccid-card-emulated",
    backend: "certificates",
    cert1,
    cert2,
    cert3,
    db: card.database ?? "/etc/pki/nssdb",
    ...end,
  });
}

/** Trusted platform modules. */
export function tpmArguments(build: Build, tpm: Tpm): string[] {
  const id = `tpm-${tpm.alias}`;
  const device = deviceArgument(build, { driver: tpm.model, tpmdev: id, id: tpm.alias });
  if (tpm.backend.type === "passthrough") {
    const path = tpm.backend.device?.path ?? "/dev/tpm0";
    return ["-tpmdev", `passthrough,id=${id},path=${escaped(path)},cancel-path=/dev/null`, ...device];
  }
  const path = tpm.backend.type === "external" ? tpm.backend.source.path : build.environment.tpmSocket;
  return [
    "-chardev",
    keyValues("socket", { id: "chrtpm", path }),
    "-tpmdev",
    `emulator,id=${id},chardev=chrtpm`,
    ...device,
  ];
}

/** Folders of the host, by 9p or virtiofs. */
export function filesystemArguments(build: Build, filesystem: Filesystem): string[] {
  const { alias = "fs0", driver, source, target } = filesystem;
  const place = addressProperties(build.domain, filesystem);
  if (driver?.type === "virtiofs") {
    const chardev = `chr-vu-${alias}`;
    const path = source.socket ?? `${build.environment.runtimeDirectory}/${alias}-fs.sock`;
    return [
      "-chardev",
      keyValues("socket", { id: chardev, path }),
      ...deviceArgument(build, {
        driver: virtioDriver("vhost-user-fs", filesystem.model),
        ...virtioProperties(driver),
        id: alias,
        chardev,
        "queue-size": driver.queue,
        tag: target.dir,
        ...place,
      }),
    ];
  }
  if (source.dir === undefined) throw invalid(source, "attribute 'dir' is missing");
  const fsdev = `fsdev-${alias}`;
  const models = { passthrough: "passthrough", mapped: "mapped", squash: "none" } as const;
  const options = {
    security_model: models[filesystem.accessmode ?? "passthrough"],
    multidevs: filesystem.multidevs === "default" ? undefined : filesystem.multidevs,
    fmode: filesystem.fmode,
    dmode: filesystem.dmode,
    writeout: driver?.wrpolicy,
    id: fsdev,
    path: source.dir,
    readonly: filesystem.readonly ? true : undefined,
  };
  return [
    "-fsdev",
    keyValues("local", options),
    ...deviceArgument(build, {
      driver: virtioDriver("virtio-9p", filesystem.model),
      ...virtioProperties(driver),
      id: alias,
      fsdev,
      mount_tag: target.dir,
      ...place,
    }),
  ];
}
