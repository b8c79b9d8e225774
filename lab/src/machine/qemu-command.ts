// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";
import type { Image } from "../image/image.ts";

/** What a machine is made of beside its PCI topology. */
export interface MachineSize {
  /** Default 3072. */
  readonly memoryMiB: number;
  /**
   * Default 1. With 2 the first boot is a third faster and the rest isn't, but QEMU's multi-threaded emulation then loses a
   * race about once in 20 runs: seen were a kernel "Oops: int3" and a second CPU whose timer never fired again.
   */
  readonly cpus: number;
  /** Default `max,la57=off`: `max` has SVM, so KVM works inside; without 5-level page tables it's 15 % faster. */
  readonly cpuModel: string;
}

export const defaultSize: MachineSize = { memoryMiB: 3072, cpus: 1, cpuModel: "max,la57=off" };

/** Files of one machine on the host. */
export interface MachinePaths {
  readonly directory: string;
  readonly serialLog: string;
  readonly qmpSocket: string;
  readonly agentSocket: string;
  readonly initrd: string;
  readonly dataDisk: string;
  /** Seen in the machine as /opt/lab, writable for everybody. */
  readonly share: string;
  /** Seen in the machine as /opt/hostdev, read-only. */
  readonly hostdev: string;
}

/** The paths of a machine in `directory`; `hostdev` is the build to show to it. Pure. */
export function machinePaths(directory: string, hostdev: string): MachinePaths {
  return {
    directory,
    hostdev,
    serialLog: join(directory, "serial.log"),
    qmpSocket: join(directory, "qmp.sock"),
    agentSocket: join(directory, "agent.sock"),
    initrd: join(directory, "initrd"),
    dataDisk: join(directory, "data.raw"),
    share: join(directory, "share"),
  };
}

/**
 * The program, arguments and environment that run the image's own QEMU, whatever the host has. Pure.
 *
 * The image's dynamic loader is called by name, so that neither chroot nor privilege is needed. setpriv's death signal ends
 * the machine with this process, however that ends.
 */
export function qemuProgram(image: Image): {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const { qemu } = image;
  const lib = join(qemu, "lib");
  return {
    argv: [
      ...["setpriv", "--pdeathsig", "KILL", "--"],
      ...[join(lib, "ld-linux-x86-64.so.2"), "--library-path", lib, join(qemu, "qemu-system-x86_64")],
      ...["-L", join(qemu, "share")],
    ],
    env: { QEMU_MODULE_DIR: join(qemu, "modules") },
  };
}

/** Everything of the machine but its topology. Pure. */
export function baseArgs(
  image: Image,
  paths: MachinePaths,
  size: MachineSize,
  extraKernelArgs = "",
): readonly string[] {
  const kernelArgs = [
    "console=ttyS0 quiet panic=-1 mitigations=off intel_iommu=on",
    // Under load the timer check of an interrupt-remapped IO-APIC fails, and the kernel panics.
    "no_timer_check",
    "systemd.show_status=0",
    extraKernelArgs,
  ];
  return [
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", "hostdev-lab"],
    // For sound cards, which must play to somewhere.
    ...["-audiodev", "none,id=silence"],
    // Split irqchip: interrupt remapping needs it. What the board has beside PCI would only slow the boot down.
    ...[
      "-M",
      "q35,kernel-irqchip=split,sata=off,smbus=off,i8042=off,vmport=off",
      "-accel",
      "tcg",
      "-cpu",
      size.cpuModel,
    ],
    ...["-m", String(size.memoryMiB), "-smp", String(size.cpus)],
    ...["-kernel", image.kernel, "-initrd", paths.initrd, "-append", kernelArgs.join(" ").trim()],
    ...["-chardev", `file,id=serial,append=on,path=${paths.serialLog}`, "-serial", "chardev:serial"],
    ...["-chardev", `socket,id=qmp,server=on,wait=off,path=${paths.qmpSocket}`, "-mon", "chardev=qmp,mode=control"],
    ...[
      "-device",
      "virtio-serial-pci,addr=18",
      "-chardev",
      `socket,id=agent,server=on,wait=off,path=${paths.agentSocket}`,
    ],
    ...["-device", "virtserialport,chardev=agent,name=lab.agent"],
    ...drive("lab-root", "19", `readonly=on,file=${image.root}`),
    ...drive("lab-data", "1a", `cache=unsafe,file=${paths.dataDisk}`),
    ...share("hostdev", "1b", `readonly=on,path=${paths.hostdev}`),
    ...share("lab", "1c", `path=${paths.share}`),
  ];
}

function drive(name: string, slot: string, options: string): readonly string[] {
  const device = `virtio-blk-pci,drive=${name},serial=${name},addr=${slot}`;
  return ["-drive", `if=none,id=${name},format=raw,${options}`, "-device", device];
}

function share(tag: string, slot: string, options: string): readonly string[] {
  const fsdev = `local,id=${tag},security_model=none,multidevs=remap,${options}`;
  return ["-fsdev", fsdev, "-device", `virtio-9p-pci,fsdev=${tag},mount_tag=${tag},addr=${slot}`];
}
