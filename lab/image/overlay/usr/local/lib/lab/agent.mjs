// SPDX-License-Identifier: Apache-2.0

/*
 * The lab's agent: runs commands inside the machine for the host, over a virtio-serial port.
 *
 * One JSON object per line in both directions; bytes travel as base64. See lab/src/channel/protocol.ts for the messages.
 * Runs as root from lab-agent.service. A command of another user gets that user's real credentials before it is executed.
 */

import { spawn } from "node:child_process";
import { closeSync, openSync, read, readdirSync, readFileSync, write } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const PORT_NAME = "lab.agent";
/** How long output may still trickle in after a command's end; a background child may hold its pipes open for ever. */
const DRAIN_MS = 250;
const KILL_GRACE_MS = 2000;

/** @type {Map<number, { child: import("node:child_process").ChildProcess, timedOut: boolean }>} */
const running = new Map();
let port = -1;
let writing = Promise.resolve();

/** Finds the port by its name in sysfs: udev's links to it come late in the boot. */
async function openPort() {
  for (;;) {
    for (const name of readdirSync("/sys/class/virtio-ports")) {
      if (readFileSync(`/sys/class/virtio-ports/${name}/name`, "utf8").trim() !== PORT_NAME) continue;
      return openSync(`/dev/${name}`, "r+");
    }
    await sleep(100);
  }
}

function send(message) {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  writing = writing.then(() => writeAll(bytes));
  return writing;
}

async function writeAll(bytes) {
  let done = 0;
  while (done < bytes.length) {
    done += await new Promise((resolve) => {
      // 32 KiB at a time: a write of the port allocates its whole size in the kernel.
      write(port, bytes, done, Math.min(bytes.length - done, 32768), null, (error, count) =>
        resolve(error ? 0 : count),
      );
    });
  }
}

function uptimeMs() {
  return Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000);
}

/** The argument list that runs `script` as `user`; `login` goes through PAM as su does, with limits.d and a logind session. */
function commandLine({ user, login, script, pty }) {
  const shell = script === undefined ? [] : ["-c", script];
  let argv;
  if (login) argv = ["su", "-l", user, ...shell];
  else if (user === "root") argv = ["bash", ...shell];
  else argv = ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "--reset-env", "bash", ...shell];
  if (!pty) return argv;
  const quoted = argv.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ");
  const setup = `tty > ${ttyFile(pty.id)}; stty rows ${pty.rows} cols ${pty.columns}; exec ${quoted}`;
  return ["script", "--quiet", "--flush", "--return", "--command", setup, "/dev/null"];
}

function ttyFile(id) {
  return `/run/lab-tty-${id}`;
}

function run(request) {
  const { id, timeoutMs } = request;
  const start = process.hrtime.bigint();
  const [program, ...args] = commandLine({ ...request, pty: request.pty && { ...request.pty, id } });
  const child = spawn(program, args, {
    cwd: request.cwd ?? "/",
    env: { ...process.env, ...(request.pty ? { TERM: request.pty.term } : {}), ...request.env },
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const entry = { child, timedOut: false };
  running.set(id, entry);
  child.stdin.on("error", () => {});
  for (const stream of ["stdout", "stderr"]) {
    child[stream].on("data", (bytes) => {
      child[stream].pause();
      send({ id, type: stream, data: bytes.toString("base64") }).then(() => child[stream].resume());
    });
  }
  const timer = timeoutMs && setTimeout(() => endWithGrace(entry), timeoutMs);
  let ended = false;
  const end = (code, signal, error) => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    running.delete(id);
    const ms = Number((process.hrtime.bigint() - start) / 1000000n);
    send({ id, type: "exit", code, signal, ms, timedOut: entry.timedOut, ...(error ? { error } : {}) });
  };
  child.on("error", (error) => end(127, null, error.message));
  child.on("close", (code, signal) => end(code, signal));
  child.on("exit", (code, signal) => setTimeout(() => end(code, signal), DRAIN_MS));
  send({ id, type: "started", pid: child.pid ?? 0 });
}

async function endWithGrace(entry) {
  entry.timedOut = true;
  const pids = descendants(entry.child.pid);
  signalAll(pids, "SIGTERM");
  await sleep(KILL_GRACE_MS);
  signalAll(pids, "SIGKILL");
}

/** The process and everything it started: su puts its child into a session of its own, so a process group is not enough. */
function descendants(root) {
  const childrenOf = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)]);
    } catch {
      // The process ended while we looked.
    }
  }
  const found = [root];
  for (let at = 0; at < found.length; at++) found.push(...(childrenOf.get(found[at]) ?? []));
  return found;
}

function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Already gone.
    }
  }
}

function resize({ id, rows, columns }) {
  const tty = readFileSync(ttyFile(id), "utf8").trim();
  spawn("stty", ["-F", tty, "rows", String(rows), "cols", String(columns)], { stdio: "ignore" });
}

function handle(request) {
  const entry = running.get(request.id);
  if (request.type === "run") run(request);
  else if (request.type === "hello") send({ id: 0, type: "hello", uptimeMs: uptimeMs() });
  else if (!entry) return;
  else if (request.type === "kill") signalAll(descendants(entry.child.pid), request.signal);
  else if (request.type === "stdin") entry.child.stdin.write(Buffer.from(request.data, "base64"));
  else if (request.type === "eof") entry.child.stdin.end();
  else if (request.type === "resize") resize(request);
}

function readPort(buffer) {
  return new Promise((resolve) => read(port, buffer, 0, buffer.length, null, (_, count) => resolve(count ?? 0)));
}

port = await openPort();
process.on("exit", () => closeSync(port));
send({ id: 0, type: "hello", uptimeMs: uptimeMs() });
const buffer = Buffer.alloc(65536);
let pending = "";
for (;;) {
  const count = await readPort(buffer);
  // End of file means that no host is connected just now.
  if (count === 0) await sleep(50);
  pending += buffer.toString("latin1", 0, count);
  const lines = pending.split("\n");
  pending = lines.pop();
  for (const text of lines) {
    const line = Buffer.from(text, "latin1").toString("utf8");
    try {
      handle(JSON.parse(line));
    } catch (error) {
      console.error(`lab-agent: cannot handle ${line.slice(0, 200)}: ${error.stack}`);
    }
  }
}
