// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { realHost } from "../../src/core/real-host.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { openSession } from "../../src/session/open-session.ts";
import { parseForHost } from "../../src/session/parse-for-host.ts";
import { launchEnvironment } from "../../src/session/plan-launch.ts";
import { qmpSession } from "../integration/qemu-tools.ts";
import { type BenchRow, median, time } from "./bench.ts";

export const name = "session-start";
export const title = "A VM from `start` to running, and the same QEMU started bare";

const rounds = 20;
const xml = `<domain type='qemu'><name>bench</name><uuid>6b1a5f5e-1d0e-4c1f-8f57-0a6a1e6f0b99</uuid><memory unit='MiB'>64</memory>
  <os><type machine='q35'>hvm</type></os><devices><serial type='pty'/></devices></domain>`;

export async function run(): Promise<readonly BenchRow[]> {
  const directory = mkdtempSync(join(tmpdir(), "hd-b-"));
  // A login session's runtime folder is in memory, too.
  const runtime = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "hd-b-"));
  for (const variable of ["XDG_CONFIG_HOME", "XDG_CACHE_HOME"]) process.env[variable] = directory;
  process.env["XDG_RUNTIME_DIR"] = runtime;
  const host = realHost();
  const session = await openSession(host);
  try {
    const domain = await session.defineXml(xml);
    const environment = await launchEnvironment(host, parseForHost(host, xml), directory);
    const [emulator = "", ...args] = buildArguments(parseForHost(host, xml), environment);
    const ours: number[] = [];
    const bare: number[] = [];
    // In turns, so that whatever else the machine does hits both.
    for (let round = 0; round < rounds; round++) {
      ours.push(await time(() => domain.start()));
      await domain.destroy();
      const started = performance.now();
      const qemu = spawn(emulator, args, { stdio: "ignore" });
      const ended = new Promise<void>((resolve) => qemu.on("close", () => resolve()));
      const monitor = await qmpSession("path" in environment.monitor ? environment.monitor.path : "", ended);
      assert.ok(monitor !== undefined);
      await monitor.execute("cont");
      bare.push(performance.now() - started);
      qemu.kill("SIGKILL");
      await ended;
    }
    const peerName = "bare QEMU with the same arguments";
    return [
      { what: `start to running, median of ${rounds}`, ours: median(ours), peer: median(bare), peerName, unit: "ms" },
    ];
  } finally {
    await session.close();
    for (const folder of [directory, runtime]) rmSync(folder, { recursive: true });
  }
}
