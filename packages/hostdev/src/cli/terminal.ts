// SPDX-License-Identifier: Apache-2.0
import type { Output } from "./context.ts";

/** Ctrl-], as in telnet and virsh. */
const leaveByte = 0x1d;

/** The user's terminal, or what stands in for it, while a VM's console is on it. */
export interface Terminal {
  readonly write: (chunk: Buffer) => void;
  /** Sends what is typed to `send`, from now on. */
  readonly attachInput: (send: (chunk: Buffer) => void) => void;
  /** Aborted by the first Ctrl-]. */
  readonly leave: AbortSignal;
  /** Aborted by the second. */
  readonly force: AbortSignal;
  /** Gives the terminal back as it was. */
  readonly detach: () => void;
}

/**
 * Puts a console on this process's standard streams. A terminal is made raw: every key but Ctrl-] is the guest's.
 *
 * @param hint what Ctrl-] does, for the user.
 */
export function attachTerminal(output: Output, hint = "Ctrl-] ends the VM"): Terminal {
  const { stdin, stdout } = process;
  const leave = new AbortController();
  const force = new AbortController();
  let send: ((chunk: Buffer) => void) | undefined;
  const onData = (chunk: Buffer) => {
    const at = stdin.isTTY ? chunk.indexOf(leaveByte) : -1;
    if (at === -1) return send?.(chunk);
    send?.(chunk.subarray(0, at));
    if (leave.signal.aborted) force.abort("Ctrl-]");
    else leave.abort("Ctrl-]");
  };
  return {
    write: (chunk) => void stdout.write(chunk),
    attachInput: (wanted) => {
      send = wanted;
      if (stdin.isTTY) stdin.setRawMode(true);
      stdin.on("data", onData);
      if (stdin.isTTY) output.warn(`hostdev: ${hint}\r\n`);
    },
    leave: leave.signal,
    force: force.signal,
    detach: () => {
      stdin.off("data", onData);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      // A file, or /dev/null, has no such method, whatever its type says.
      (stdin as Partial<typeof stdin>).unref?.();
    },
  };
}
