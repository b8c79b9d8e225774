// SPDX-License-Identifier: Apache-2.0

import type { LabUser, TerminalSize } from "./channel/protocol.ts";
import type { Lab } from "./lab.ts";

/** Ctrl-], as in telnet. */
const leaveKey = 0x1d;

/**
 * Connects this process's terminal to a login shell in the lab, until the shell ends or Ctrl-] is pressed.
 *
 * Touches: puts the terminal into raw mode and back.
 *
 * @returns whether the person left with Ctrl-].
 */
export async function openShell(lab: Lab, user: LabUser): Promise<boolean> {
  const { stdin, stdout } = process;
  stdout.write(
    `\nYou are ${user} in the lab. hostdev is in /opt/hostdev, the exchange directory is /opt/lab/exchange.\n`,
  );
  stdout.write(`On the host that directory is ${lab.exchangeDirectory}. Leave with Ctrl-].\n\n`);
  const size = (): TerminalSize => ({ rows: stdout.rows ?? 24, columns: stdout.columns ?? 80 });
  const shell = lab.machine.channel.start({
    user,
    login: true,
    keepInput: true,
    pty: { ...size(), term: process.env["TERM"] ?? "linux" },
    onBytes: (bytes) => stdout.write(bytes),
  });
  let left = false;
  const onData = (bytes: Buffer) => {
    left ||= bytes.includes(leaveKey);
    // A closed terminal takes the shell and what runs in it along.
    if (left) shell.kill("SIGHUP");
    else shell.write(bytes);
  };
  const onEnd = () => shell.endInput();
  const onResize = () => shell.resize(size());
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onData).on("end", onEnd);
  stdout.on("resize", onResize);
  try {
    await shell.result;
  } finally {
    stdin.off("data", onData).off("end", onEnd);
    stdout.off("resize", onResize);
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
    stdout.write("\n");
  }
  return left;
}
