// SPDX-License-Identifier: Apache-2.0

/** A base address register that is in use. */
export interface Bar {
  /** 0 to 5. */
  readonly index: number;
  readonly type: "io" | "memory";
  /** Bits of the address; 64 takes the next register too. Ports are 32. */
  readonly width: 32 | 64;
  readonly isPrefetchable: boolean;
  readonly sizeBytes: number;
  /** Where the host sees it, `0x` and 16 digits. */
  readonly start: string;
}

/** What a function takes of the host's address space. */
export interface Resources {
  readonly bars: readonly Bar[];
  /** Size of the expansion ROM's window; `null` without one. */
  readonly romBytes: number | null;
}

/** Bits of include/linux/ioport.h. */
const flag = { io: 0x100n, memory: 0x200n, prefetch: 0x2000n, memory64: 0x100000n } as const;
const romIndex = 6;

/**
 * Parses a function's `resource` file: a line of start, end and flags for each of BAR 0 to 5, the ROM, and windows that
 * do not interest here.
 *
 * Pure. Lines that are not like that count as unused.
 * @see https://docs.kernel.org/PCI/sysfs-pci.html
 */
export function parseResources(text: string): Resources {
  const bars: Bar[] = [];
  let romBytes: number | null = null;
  for (const [index, line] of text
    .split("\n")
    .slice(0, romIndex + 1)
    .entries()) {
    const match = /^(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16})$/.exec(line.trim());
    const [start = 0n, end = 0n, flags = 0n] = match?.slice(1).map(BigInt) ?? [];
    if ((flags & (flag.io | flag.memory)) === 0n || end < start) continue;
    const sizeBytes = Number(end - start + 1n);
    if (index === romIndex) romBytes = sizeBytes;
    else {
      bars.push({
        index,
        type: (flags & flag.io) === 0n ? "memory" : "io",
        width: (flags & flag.memory64) === 0n ? 32 : 64,
        isPrefetchable: (flags & flag.prefetch) !== 0n,
        sizeBytes,
        start: `0x${start.toString(16).padStart(16, "0")}`,
      });
    }
  }
  return { bars, romBytes };
}
