// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { writtenPath } from "../core/kernel-write.ts";
import { listPids, readCommandLine, readUid } from "../core/processes.ts";
import { pciDevices } from "../pci/sysfs.ts";
import { moduleNames } from "./modules.ts";

/** A process that goes on changing the kernel's state for a program that was killed, or has given up waiting for it. */
export interface LeftoverWrite {
  readonly pid: number;
  /** What it does, as a clause: `writes to /sys/bus/pci/devices/0000:01:00.0/driver/unbind`. */
  readonly act: string;
}

/**
 * Finds such processes: `dd` for a control file of one of these functions, or of the whole bus (a probe), and `modprobe`.
 *
 * Which of them are leftovers is not to be seen: the caller has the lock, so that nobody else is at work.
 * Touches: reads `/proc`, nothing of the devices: to read what is being written may hang too. Needs: root.
 */
export function findLeftoverWrites(host: Host, addresses: ReadonlySet<string>): readonly LeftoverWrite[] {
  return listPids(host).flatMap((pid) => {
    const act = describeAct(readCommandLine(host, pid), addresses);
    return act === undefined || readUid(host, pid) !== 0 ? [] : [{ pid, act }];
  });
}

function describeAct(command: readonly string[], addresses: ReadonlySet<string>): string | undefined {
  const path = writtenPath(command);
  if (path !== undefined) {
    const address = path.startsWith(`${pciDevices}/`) ? path.slice(pciDevices.length + 1).split("/")[0] : undefined;
    const isOurs = address === undefined ? path.startsWith("/sys/bus/pci/") : addresses.has(address);
    return isOurs ? `writes to ${path}` : undefined;
  }
  const isOurs = command[0] === "modprobe" && moduleNames.some((module) => module === command.at(-1));
  return isOurs ? `runs ${command.join(" ")}` : undefined;
}

const pollMs = 200;
const silentMs = 2000;
/** As long as the slowest write is waited for: the reset of a function (`resetFunction`). */
const patienceMs = 90_000;

/** Who is told of a long wait, and can end it. */
export interface Patience {
  /** Told once, after two seconds, what is waited for. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Aborted: stops waiting. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits until nothing is on its way any more that a killed program has left, so that what is done next does not work
 * against it. Needs: root, and the lock. Touches: see `findLeftoverWrites`.
 *
 * @returns when that is so, or `signal` was aborted.
 * @throws {HostdevError} `HD_LEFTOVER_WRITE` after 90 seconds, naming the process.
 */
export async function waitForLeftoverWrites(
  host: Host,
  addresses: ReadonlySet<string>,
  { onWarning, signal }: Patience = {},
): Promise<void> {
  const start = host.now().getTime();
  let isTold = false;
  for (;;) {
    const [first] = findLeftoverWrites(host, addresses);
    if (first === undefined || signal?.aborted) return;
    const { pid, act } = first;
    const waitedMs = host.now().getTime() - start;
    if (waitedMs >= patienceMs) {
      const message = `Cannot go on where a killed command stopped: its process ${pid} still ${act}`;
      throw new HostdevError("HD_LEFTOVER_WRITE", message, { pid, act });
    }
    if (waitedMs >= silentMs && !isTold) {
      const left = Math.round((patienceMs - waitedMs) / 1000);
      onWarning?.(`waiting up to ${left} s for process ${pid} of a killed command, which still ${act}`);
      isTold = true;
    }
    await host.sleep(pollMs);
  }
}
