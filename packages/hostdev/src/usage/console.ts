// SPDX-License-Identifier: Apache-2.0
import type { PciFunction } from "../pci/pci-function.ts";
import { functionsAbove } from "./functions-above.ts";
import type { Reader } from "./reader.ts";
import type { Claim } from "./use.ts";

/**
 * Finds the functions that show the host's screen or carry its console: the boot VGA, the framebuffer of the text
 * consoles, serial ports and virtio consoles that the kernel logs to.
 *
 * Touches: reads `/sys/class/{graphics,vtconsole,tty,virtio-ports}`, `/proc/consoles`, `/proc/cmdline`. Needs: nothing.
 */
export function claimConsoles(reader: Reader, functions: readonly PciFunction[]): readonly Claim[] {
  // Once it is with a stub, the host has let go of it; the firmware's choice still stands in boot_vga.
  const bootVga = functions.filter((fn) => fn.isBootVga && fn.driver !== "vfio-pci" && fn.driver !== "pci-stub");
  const does = "is the graphics card that the firmware shows its screen on";
  return [
    ...bootVga.map(({ address }): Claim => ({ kind: "boot-vga", functions: [address], path: ["boot VGA"], does })),
    ...claimFramebuffers(reader, functions),
    ...claimTerminals(reader),
  ];
}

function claimFramebuffers(reader: Reader, functions: readonly PciFunction[]): readonly Claim[] {
  const consoles = reader.names("/sys/class/vtconsole").map((name) => `/sys/class/vtconsole/${name}`);
  const onFramebuffer = consoles.filter((path) => reader.text(`${path}/name`).includes("frame buffer"));
  // None at all: the kernel puts the take-over off until there is something to show (deferred takeover).
  const isLetGo = onFramebuffer.length > 0 && onFramebuffer.every((path) => reader.text(`${path}/bind`).trim() === "0");
  if (isLetGo) return [];
  const numbers = reader
    .names("/sys/class/graphics")
    .flatMap((name) => (/^fb\d+$/.test(name) ? [Number(name.slice(2))] : []));
  // All text consoles are on the first one, unless the kernel was told to spread them.
  const isSpread = /\bfbcon=\S*map:/.test(reader.text("/proc/cmdline"));
  const used = numbers.sort((a, b) => a - b).slice(0, isSpread ? numbers.length : 1);
  return used.flatMap((number) => {
    const name = `fb${number}`;
    const above = functionsAbove(reader.devicePath(`/sys/class/graphics/${name}`));
    const claim = { kind: "console", path: [name, "text console"], does: "shows the text console" } as const;
    if (above.length > 0) return [{ ...claim, functions: above }];
    return screensOf(functions).map((address) => ({ ...claim, functions: [address] }));
  });
}

/**
 * The firmware's framebuffer (efifb, simpledrm) is a platform device. It is in the memory of the boot VGA; where no
 * function is that, any display may be it.
 */
function screensOf(functions: readonly PciFunction[]): readonly string[] {
  const bootVga = functions.filter((fn) => fn.isBootVga);
  const displays = functions.filter((fn) => fn.classCode >> 16 === 0x03);
  return (bootVga.length > 0 ? bootVga : displays).map((fn) => fn.address);
}

function claimTerminals(reader: Reader): readonly Claim[] {
  const lines = [
    ...reader.text("/proc/consoles").split("\n"),
    ...reader.text("/sys/class/tty/console/active").split(" "),
  ];
  const names = new Set(lines.flatMap((line) => /^[A-Za-z]\w*/.exec(line)?.[0] ?? []));
  return [...names].flatMap((name) =>
    devicesOfTerminal(reader, name).map((link): Claim => {
      const functions = functionsAbove(reader.devicePath(link));
      return { kind: "console", functions, path: [name, "console"], does: `carries console ${name}` };
    }),
  );
}

/** Links to the device behind a terminal. hvc0 does not say whose it is; any port of a virtio console may be it. */
function devicesOfTerminal(reader: Reader, name: string): readonly string[] {
  if (!name.startsWith("hvc")) return [`/sys/class/tty/${name}`];
  return reader.names("/sys/class/virtio-ports").map((port) => `/sys/class/virtio-ports/${port}`);
}
