// SPDX-License-Identifier: Apache-2.0

/** `-machine`, `-accel`, `-m`, `-smp`: the frame of the machine. */
import { HostdevError } from "../../core/errors.ts";
import { timerOf } from "../../domain/clock.ts";
import { switchState } from "../../domain/features.ts";
import { firmwareOf, pflashNodes } from "./firmware.ts";
import { backsMachineMemory } from "./memory.ts";
import { type Build, keyValues } from "./options.ts";

/** `-machine` and what stands in front of it: the nodes of the firmware. libvirt: qemuBuildMachineCommandLine. */
export function machineArguments(build: Build): string[] {
  const { domain } = build;
  const { features, devices } = domain;
  const firmware = firmwareOf(build);
  const nodes = pflashNodes(build, firmware);
  const hpet = timerOf(domain.clock, "hpet")?.present;
  const speaker = devices.sounds.find((sound) => sound.model === "pcspk");
  const options = {
    usb: false,
    vmport: switchState(features?.vmport),
    smm: features?.smm === undefined ? (firmware.needsSmm ? true : undefined) : (features.smm.state ?? true),
    kernel_irqchip: features?.ioapic === undefined ? undefined : features.ioapic === "qemu" ? "split" : "on",
    i8042: features?.ps2,
    "dump-guest-core": domain.memory?.dumpCore ?? false,
    "mem-merge": domain.memoryBacking?.nosharepages === true ? false : undefined,
    nvdimm: devices.memories.some((memory) => memory.model === "nvdimm") ? true : undefined,
    "memory-backend": backsMachineMemory(domain) ? "pc.ram" : undefined,
    pflash0: nodes.pflash0,
    pflash1: nodes.pflash1,
    "pcspk-audiodev": speaker === undefined ? undefined : `audio${speaker.audioId ?? devices.audios[0]?.id ?? 1}`,
    hpet,
    acpi: features?.acpi ?? false,
  };
  return [
    ...nodes.args,
    "-machine",
    keyValues(domain.os.type.machine ?? "pc", options),
    ...accelerator(build),
    ...smm(build, firmware),
  ];
}

function accelerator({ domain, environment }: Build): string[] {
  if (domain.type === "kvm") {
    if (!environment.kvm) {
      throw new HostdevError(
        "HD_DOMAIN_INVALID",
        "Cannot run a domain of type kvm: this machine has no usable /dev/kvm",
        {
          element: "domain",
        },
      );
    }
    const ring = domain.features?.kvm?.dirtyRing;
    return ["-accel", keyValues("kvm", { "dirty-ring-size": ring?.state === true ? ring.size : undefined })];
  }
  const cache = domain.features?.tcg?.tbCacheKiB;
  return ["-accel", keyValues("tcg", { "tb-size": cache === undefined ? undefined : cache.kib / 1024 })];
}

function smm({ domain }: Build, firmware: { readonly secure: boolean }): string[] {
  const args: string[] = [];
  const tseg = domain.features?.smm?.tsegKiB;
  if (tseg !== undefined) args.push("-global", `mch.extended-tseg-mbytes=${tseg.kib / 1024}`);
  if (firmware.secure) args.push("-global", "driver=cfi.pflash01,property=secure,value=on");
  return args;
}

/** `-smp`. libvirt: qemuBuildSmpCommandLine. */
export function smpArguments({ domain }: Build): string[] {
  const count = domain.vcpu?.count ?? 1;
  const current = domain.vcpu?.current ?? count;
  const topology = domain.cpu?.topology;
  const maxcpus = current < count ? { maxcpus: count } : {};
  const layout =
    topology === undefined
      ? { sockets: count, cores: 1, threads: 1 }
      : {
          sockets: topology.sockets,
          dies: topology.dies ?? 1,
          clusters: topology.clusters ?? 1,
          cores: topology.cores,
          threads: topology.threads,
        };
  return ["-smp", keyValues(String(current), { ...maxcpus, ...layout })];
}
