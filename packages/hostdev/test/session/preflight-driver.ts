// SPDX-License-Identifier: Apache-2.0

/*
 * A program for the lab, run as an ordinary user: for each VM that comes in on a line, what the check says of it, and
 * what QEMU says when it is started without the check. First it prints its pid, so that root can set its limits.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { HostdevError } from "../../src/core/errors.ts";
import { realHost } from "../../src/core/real-host.ts";
import type { Domain } from "../../src/domain/domain.ts";
import { readMemlock } from "../../src/memlock/limit.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../../src/qemu/capabilities.ts";
import { readVm, vmNeeds } from "../../src/session/plan-launch.ts";
import { preflight } from "../../src/session/preflight.ts";
import { sessionEnvironment } from "../../src/session/session-environment.ts";
import type { PreflightCase, PreflightResult } from "./preflight-case.ts";

const host = realHost();
const patienceMs = 60_000;

process.stdout.write(`${process.pid}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const result = await judge(JSON.parse(line) as PreflightCase);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function judge({
  xml,
  startXml = xml,
  extraArgs = [],
  probesQemu,
  keepsSoft,
}: PreflightCase): Promise<PreflightResult> {
  const { codes, texts } = await check(xml, probesQemu === true);
  const directory = mkdtempSync(join(tmpdir(), "hd-pf-"));
  try {
    const domain = readVm(host, startXml, "vm.xml");
    const raise = keepsSoft !== true && domain.devices.hostDevices.length > 0;
    const said = await startByHand(domain, directory, extraArgs, raise);
    return { codes, texts, said };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The codes of what would stop the VM, and everything that was found, in words. */
async function check(xml: string, probesQemu: boolean): Promise<Pick<PreflightResult, "codes" | "texts">> {
  try {
    const findings = await preflight(host, vmNeeds(readVm(host, xml, "vm.xml")), { probesQemu });
    const failures = findings.filter(({ level }) => level === "failure");
    return { codes: failures.map(({ code }) => code ?? ""), texts: findings.map(({ text }) => text) };
  } catch (error) {
    if (!(error instanceof HostdevError)) throw error;
    return { codes: [error.code], texts: [error.message] };
  }
}

/** Starts QEMU as `hostdev run` would; `null` when it came up, else its words. */
async function startByHand(
  domain: Domain,
  directory: string,
  extraArgs: readonly string[],
  raise: boolean,
): Promise<string | null> {
  const emulator = domain.devices.emulator ?? "/usr/bin/qemu-system-x86_64";
  const monitorPath = join(directory, "qmp.sock");
  const capabilities = capabilitiesOf(parseQemuVersion("10.0"));
  const environment = sessionEnvironment(host, { capabilities, emulator, directory, monitorPath });
  const [command = "", ...args] = buildArguments(domain, environment);
  const limit = readMemlock(host, process.pid);
  const prefix =
    raise && limit?.hardBytes != null ? ["prlimit", `--memlock=${limit.hardBytes}:${limit.hardBytes}`] : [];
  const [program = command, ...rest] = [...prefix, command, ...args, ...extraArgs];
  const qemu = spawn(program, rest, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  qemu.stderr.on("data", (chunk) => {
    said += chunk;
  });
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    qemu.on("error", (error) => {
      said += error.message;
      isOver = true;
      resolve();
    });
    qemu.on("close", () => {
      isOver = true;
      resolve();
    });
  });
  try {
    const deadline = Date.now() + patienceMs;
    while (!isOver && Date.now() < deadline) if (await answers(monitorPath, ended)) return null;
    await ended;
    return said.trim() || "it ended";
  } finally {
    qemu.kill("SIGKILL");
    await ended;
  }
}

/**
 * Whether the monitor answers; a moment's wait when there is none yet. A greeting is not enough: the monitor has a
 * thread of its own, and greets while the devices are still being made.
 */
async function answers(path: string, ended: Promise<void>): Promise<boolean> {
  const answer = new Promise<boolean>((resolve) => {
    const socket = connect(path);
    const commands = ["qmp_capabilities", "query-status"].map((execute) => JSON.stringify({ execute }));
    socket.once("connect", () => socket.write(commands.join("\n")));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
      if (!text.includes('"status"')) return;
      socket.destroy();
      resolve(true);
    });
    for (const event of ["error", "close"] as const)
      socket.once(event, () => setTimeout(() => resolve(false), 100).unref());
  });
  return Promise.race([answer, ended.then(() => false)]);
}
