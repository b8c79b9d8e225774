// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packageRoot } from "../style/source-tree.ts";

/** Whom sessions are tried as when the tests run as root, whose own sessions would be the system's. */
const nobody = 65534;

/** A program's end. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An ordinary user with folders of his own, for the time of a test. */
export class TestUser {
  readonly folder = mkdtempSync(join(tmpdir(), "hd-user-"));
  readonly runtime = join(this.folder, "run");
  /** What programs find in their environment beside the usual. */
  readonly variables: Record<string, string> = {};
  readonly #daemons: ChildProcess[] = [];

  constructor() {
    for (const name of ["run", "home"]) mkdirSync(join(this.folder, name), { mode: 0o700 });
    for (const name of [".", "run", "home"]) this.own(join(this.folder, name));
    chmodSync(this.folder, 0o755);
  }

  /** Gives a file to the user. */
  own(path: string): void {
    if (process.getuid?.() === 0) chownSync(path, nobody, nobody);
  }

  /** Runs a program as the user to its end. */
  run(command: string, args: readonly string[], { input = "", timeout = 60_000 } = {}): Outcome {
    const [program, all] = this.#as(command, args);
    const { status, stdout, stderr } = spawnSync(program, all, {
      env: this.#environment,
      encoding: "utf8",
      input,
      timeout,
    });
    return { status, stdout, stderr };
  }

  /** Starts a program as the user, which is ended by `remove()`. What it says on standard error is collected. */
  start(command: string, args: readonly string[], { pipes = 0 } = {}): Started {
    const [program, all] = this.#as(command, args);
    const child = spawn(program, all, {
      env: this.#environment,
      stdio: ["pipe", "pipe", "pipe", ...new Array<"pipe">(pipes).fill("pipe")],
      cwd: this.folder,
    });
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    this.#daemons.push(child);
    return { child, said: () => said };
  }

  /** Ends what was started, and what that has started and left, and removes the user's folders. */
  async remove(): Promise<void> {
    for (const child of this.#daemons) await endProcess(child);
    for (const pid of this.#left()) endByPid(pid);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What a daemon of a failed test has left: the processes whose words name a file in our folder. */
  #left(): readonly number[] {
    const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => pid !== process.pid && commandLine(pid).includes(`${this.folder}/`));
  }

  #as(command: string, args: readonly string[]): readonly [string, readonly string[]] {
    if (process.getuid?.() !== 0) return [command, args];
    return ["setpriv", [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", "--", command, ...args]];
  }

  get #environment(): NodeJS.ProcessEnv {
    const { PATH } = process.env;
    const home = join(this.folder, "home");
    return { PATH, HOME: home, XDG_RUNTIME_DIR: this.runtime, LC_ALL: "C.UTF-8", ...this.variables };
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}

function endByPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}

/** Ends a process, and waits until it has. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await over;
  clearTimeout(timer);
}

/** Opens a socket as systemd does, and becomes the daemon that is told that the socket is meant for it. */
const handOver = `
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp(sys.argv[2], sys.argv[2:])
`;

interface SessiondOptions {
  readonly args?: readonly string[];
  /** The daemon gets a socket that listens here already. */
  readonly handedSocket?: string;
}

/** Gives a user a copy of our programs that he may read. @returns its folder. */
export function copySessiond(user: TestUser): string {
  const copy = join(user.folder, "hostdev");
  if (!existsSync(copy)) cpSync(join(packageRoot, "dist"), copy, { recursive: true });
  return copy;
}

/** Starts our daemon for a user, from a copy of his; resolves when it serves. */
export async function startSessiond(user: TestUser, options: SessiondOptions = {}) {
  const copy = copySessiond(user);
  const { args = ["--idle", "never"], handedSocket } = options;
  const program = [process.execPath, join(copy, "hostdev-sessiond.js"), ...args];
  const started =
    handedSocket === undefined
      ? user.start("env", program)
      : user.start("/usr/bin/python3", ["-c", handOver, handedSocket, ...program]);
  await until(() => started.said().includes("serving"), started);
  return { ...started, socket: handedSocket ?? join(user.runtime, "libvirt/virtqemud-sock") };
}

/** Starts libvirt's own daemon for a user; resolves when it listens. */
export async function startLibvirtd(user: TestUser) {
  const socket = join(user.runtime, "libvirt/libvirt-sock");
  const started = user.start("/usr/sbin/libvirtd", ["--timeout=600"]);
  await until(() => existsSync(socket), started);
  return { ...started, socket };
}

/** A program that runs, and what it has said on standard error. */
export interface Started {
  readonly child: ChildProcess;
  readonly said: () => string;
}

/** Waits until what was started is ready; fails with what it said when it ends before, or takes too long. */
export async function until(isReady: () => boolean | Promise<boolean>, { child, said }: Started): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await isReady()) return;
    if (child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${child.spawnargs.join(" ")} does not listen: ${said()}`);
}

/** Why long tests do not run now; `false` when they do. */
export const skippedWhenQuick = process.env["HOSTDEV_QUICK"] === "1" ? "takes long: a part of npm test" : false;

/** Why tests with a program cannot run here; `false` when they can. */
export function lacks(program: string, debianPackage: string): string | false {
  const found = spawnSync(program, ["--version"], { stdio: "ignore" });
  return found.error === undefined ? false : `there is no ${program}: apt-get install ${debianPackage}`;
}
