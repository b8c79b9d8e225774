// SPDX-License-Identifier: Apache-2.0
import { isHostdevError } from "../core/errors.ts";
import { type Finding, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { problem } from "./problem.ts";

const emulator = "qemu-system-x86_64";
/** The oldest release whose arguments hostdev writes; as in `qemu/capabilities.ts`, which is of another layer. */
const oldest = { major: 6, minor: 2 };

/** Checks that there is a QEMU, new enough, with vfio-pci and KVM. Touches: runs QEMU three times. Needs: nothing. */
export async function checkQemu(host: Host): Promise<readonly Finding[]> {
  try {
    const [version, devices, accelerators] = await Promise.all(
      [["--version"], ["-device", "help"], ["-accel", "help"]].map((args) => host.run(emulator, args)),
    );
    return judge(version?.stdout ?? "", devices?.stdout ?? "", accelerators?.stdout ?? "");
  } catch (error) {
    if (!isHostdevError(error, "HD_COMMAND_NOT_FOUND")) throw error;
    return [problem("failure", "HD_QEMU_NOT_FOUND", `There is no ${emulator}`, { binary: emulator })];
  }
}

function judge(versionText: string, devices: string, accelerators: string): readonly Finding[] {
  const unable = (level: "warning" | "failure", text: string, missing: string) =>
    problem(level, "HD_QEMU_UNABLE", text, { binary: emulator, missing });
  const match = /version (\d+)\.(\d+)/.exec(versionText);
  const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null) return [unable("failure", `${emulator} does not tell its version`, "version")];
  const name = `QEMU ${major}.${minor}`;
  if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
    const wanted = `${oldest.major}.${oldest.minor}`;
    return [unable("failure", `${name} is too old: ${wanted} is the oldest that will do`, wanted)];
  }
  if (!/^name "vfio-pci"/m.test(devices)) {
    return [unable("failure", `${name} is built without vfio-pci`, "vfio-pci")];
  }
  if (!/^kvm$/m.test(accelerators)) return [unable("warning", `${name} is built without KVM: VMs are slow`, "kvm")];
  return [ok(`${name}, with vfio-pci and KVM`)];
}
