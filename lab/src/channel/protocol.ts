// SPDX-License-Identifier: Apache-2.0

/*
 * What host and agent say to each other: one JSON object per line, bytes as base64. The agent's side is
 * image/overlay/usr/local/lib/lab/agent.mjs, plain JavaScript, because it runs in the machine as it is.
 */

/** The users of the lab. `alex` (uid 1000) and `blake` (1001) are ordinary users in no special group. */
export type LabUser = "root" | "alex" | "blake";

/** A terminal for a command, and its size. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** Host to agent: start a command. */
export interface RunRequest {
  readonly type: "run";
  readonly id: number;
  readonly user: LabUser;
  /** A shell script for bash; missing for an interactive shell. */
  readonly script?: string;
  /** Through PAM, as `su -l` does: limits.d, a logind session, the user's profile. */
  readonly login: boolean;
  /** The agent ends the command after this time; 0 means never. */
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly pty?: TerminalSize & { readonly term: string };
}

/** Host to agent. */
export type Request =
  | { readonly type: "hello" }
  | RunRequest
  | { readonly type: "kill"; readonly id: number; readonly signal: NodeJS.Signals }
  | { readonly type: "stdin"; readonly id: number; readonly data: string }
  | { readonly type: "eof"; readonly id: number }
  | ({ readonly type: "resize"; readonly id: number } & TerminalSize);

/** Agent to host; `id` is the request's, 0 for `hello`. */
export type Reply =
  | { readonly type: "hello"; readonly id: 0; readonly uptimeMs: number }
  | { readonly type: "started"; readonly id: number; readonly pid: number }
  | { readonly type: "stdout" | "stderr"; readonly id: number; readonly data: string }
  | ExitReply;

/** The last message about a command. */
export interface ExitReply {
  readonly type: "exit";
  readonly id: number;
  /** Missing when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Measured in the machine. */
  readonly ms: number;
  readonly timedOut: boolean;
  /** Why the command could not be started at all. */
  readonly error?: string;
}
