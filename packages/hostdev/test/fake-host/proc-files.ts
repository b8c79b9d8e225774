// SPDX-License-Identifier: Apache-2.0
import type { FakeMachine } from "./fake-machine.ts";
import { attribute, pseudoDirectory, symlink } from "./nodes.ts";

/** Makes `/proc`: the processes, and the few files of the whole machine that programs here read. */
export function addProcFiles(machine: FakeMachine, memoryBytes: number): void {
  const { fs } = machine;
  const modules = () =>
    [...machine.modules.loaded].map((name) => `${name} 16384 0 - Live 0x0000000000000000\n`).join("");
  fs.add("/proc", pseudoDirectory(machine.processes.entries(), 0o555));
  fs.add(
    "/proc/self",
    symlink((caller) => String(caller.pid)),
  );
  fs.add("/proc/mounts", symlink("self/mounts"));
  fs.add("/proc/sys/kernel/random/boot_id", attribute(machine.bootId));
  fs.add("/proc/sys/kernel/osrelease", attribute("6.12.0-fake"));
  fs.add("/proc/cmdline", attribute("BOOT_IMAGE=/vmlinuz root=/dev/nvme0n1p2 ro quiet"));
  fs.add("/proc/swaps", attribute("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority"));
  fs.add("/proc/meminfo", attribute(meminfo(Math.floor(memoryBytes / 1024))));
  fs.add("/proc/modules", attribute(modules));
}

function meminfo(totalKiB: number): string {
  const rows = {
    MemTotal: totalKiB,
    MemFree: totalKiB * 0.5,
    MemAvailable: totalKiB * 0.75,
    Mlocked: 0,
    SwapTotal: 0,
    SwapFree: 0,
  };
  const row = ([name, kiB]: [string, number]) => `${`${name}:`.padEnd(16)}${String(Math.floor(kiB)).padStart(8)} kB`;
  return Object.entries(rows).map(row).join("\n");
}
