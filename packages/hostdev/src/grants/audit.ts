// SPDX-License-Identifier: Apache-2.0
import { HostdevError, isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { printable } from "../core/printable.ts";

/** Where the log goes without journald. */
export const auditPath = "/var/log/hostdev.log";

/** What an operation is about: known better and better while it goes on. */
export interface AuditSubject {
  /** `grant`, `revoke`, `recover`, ... */
  readonly action: string;
  /** As it was asked for, or its address. */
  readonly device: string;
  readonly user?: string;
}

/** Told when the log cannot be written; the operation goes on. */
export type OnWarning = (text: string) => void;

/** Called by an operation when it is about to change something, with what is known by then. */
export type Begin = (known?: Partial<AuditSubject>) => Promise<void>;

/**
 * Does something that has to be accounted for, and logs how it ended: `done`; `refused`, with nothing begun; `failed`.
 * Only root's attempts: others touch nothing at all.
 *
 * Touches: see {@link audit}.
 * @param describe how it ended, where there is more to say than `done`.
 */
export async function audited<T>(
  host: Host,
  asked: AuditSubject,
  onWarning: OnWarning | undefined,
  act: (begin: Begin) => Promise<T>,
  describe: (value: T) => string = () => "done",
): Promise<T> {
  let subject = asked;
  let hasBegun = false;
  const begin: Begin = async (known = {}) => {
    subject = { ...subject, ...known };
    hasBegun = true;
    await audit(host, subject, "begun", onWarning);
  };
  try {
    const value = await act(begin);
    await audit(host, subject, describe(value), onWarning);
    return value;
  } catch (error) {
    if (host.self.uid === 0 && isHostdevError(error)) {
      const outcome = hasBegun ? "failed" : "refused";
      await audit(host, subject, `${outcome}: ${error.message} (${error.code})`, onWarning);
    }
    throw error;
  }
}

/**
 * Logs one line about an operation, for good: `grant of 0000:01:00.0 to alex by pat: done`.
 *
 * Touches: journald through `logger`, as `hostdev`; without journald appends to `/var/log/hostdev.log`. Needs: root.
 * After a failure: `onWarning` was told, once; nothing is thrown.
 */
export async function audit(host: Host, subject: AuditSubject, outcome: string, onWarning?: OnWarning): Promise<void> {
  const { action, device, user } = subject;
  const by = host.environment("SUDO_USER") ?? "root";
  const text = `${action} of ${device}${user === undefined ? "" : ` to ${user}`} by ${by}: ${outcome}`;
  try {
    await write(host, printable(text));
  } catch (error) {
    if (!isHostdevError(error)) throw error;
    onWarning?.(`The log cannot be written: ${error.message}`);
  }
}

async function write(host: Host, line: string): Promise<void> {
  const { pid } = host.self;
  if (host.status("/run/systemd/journal/socket") === undefined) {
    host.appendFile(auditPath, `${host.now().toISOString()} hostdev[${pid}]: ${line}\n`, 0o640);
    return;
  }
  const args = [`--id=${pid}`, "-t", "hostdev", "-p", "authpriv.notice", "--", line];
  const { status, stderr } = await host.run("logger", args, { timeoutMs: 5000 });
  if (status === 0) return;
  const message = `logger ended with status ${status}: ${stderr.trim()}`;
  throw new HostdevError("HD_COMMAND_FAILED", message, { command: "logger", status, stderr: stderr.trim() });
}
