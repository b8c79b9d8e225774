// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enumerateFunctions } from "../../src/pci/enumerate.ts";
import { rootedHost } from "../rooted-host.ts";
import { packageRoot } from "../style/source-tree.ts";
import type { BenchGap, BenchRow } from "./bench.ts";
import { compare } from "./bench.ts";
import { makeSysfs } from "./synthetic-sysfs.ts";

export const name = "discovery";
export const title =
  "Listing functions: real files of made-up machines, flat and below 60 us each; the program beside Node and its peers";

const sizes = [16, 256, 4096] as const;
/** What `enumerateFunctions` may take for a function. */
const goalUs = 60;

export async function run(): Promise<readonly (BenchRow | BenchGap)[]> {
  return [...timeEnumeration(), ...(await timeProgram())];
}

/**
 * Machines of all sizes in turns, so that what slows the computer down slows all of them; the processor's time, which is
 * all the time that this takes where nothing else runs.
 */
function timeEnumeration(): readonly BenchRow[] {
  const root = mkdtempSync(join(tmpdir(), "hostdev-bench-"));
  try {
    const hosts = sizes.map((size) => {
      const folder = join(root, String(size));
      makeSysfs(folder, size);
      return { size, host: rootedHost(folder), perFunctionUs: [] as number[] };
    });
    for (let round = 0; round < 16; round++) {
      for (const { size, host, perFunctionUs } of hosts) {
        // About as many functions each, so that the small machines are timed as well as the big one.
        const repeats = Math.max(1, 1024 / size);
        const start = process.cpuUsage();
        for (let i = 0; i < repeats; i++) assert.equal(enumerateFunctions(host).length, size);
        const { user, system } = process.cpuUsage(start);
        if (round > 0) perFunctionUs.push((user + system) / size / repeats);
      }
    }
    // The best round: what the computer does for others in the meantime is not the cost of a function.
    const [small, middle, big] = hosts.map(({ perFunctionUs }) => Math.min(...perFunctionUs));
    const unit = "us";
    const row = (what: string, ours = Number.NaN, peer = Number.NaN, peerName = `the goal, ${goalUs} us`): BenchRow => {
      return { what, ours, peer, peerName, unit };
    };
    return [
      row("one of 16 functions, processor time", small, goalUs),
      row("one of 256 functions, processor time", middle, goalUs),
      row("one of 4096 functions, processor time", big, goalUs),
      row("one of 4096 functions, processor time", big, middle, "one of 256, goal 1.3"),
    ];
  } finally {
    rmSync(root, { recursive: true });
  }
}

const peers: readonly (readonly [command: string, ...args: string[]])[] = [
  ["lspci", "-nnk"],
  ["driverctl", "list-devices"],
  ["dpdk-devbind.py", "--status"],
  ["virsh", "-c", "qemu:///session", "nodedev-list", "--cap", "pci"], // its daemon comes by itself, before the timing
];

/** Nobody, who can be given a home for a while: lists are for ordinary users, and libvirt's session daemon is a user's. */
const nobody = 65534;

async function timeProgram(): Promise<readonly (BenchRow | BenchGap)[]> {
  const home = mkdtempSync(join(tmpdir(), "hostdev-bench-"));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(home, nobody, nobody);
  try {
    const env = { ...process.env, HOME: home, XDG_RUNTIME_DIR: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home };
    const user = isRoot ? { uid: nobody, gid: nobody } : {};
    return await timeAs((command, args) => {
      return spawnSync(command, args, { stdio: ["ignore", "pipe", "pipe"], env, cwd: "/", ...user });
    });
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

type Start = (command: string, args: readonly string[]) => SpawnSyncReturns<Buffer>;

async function timeAs(start: Start): Promise<readonly (BenchRow | BenchGap)[]> {
  const what = "hostdev devices, the whole process";
  const ours = () => assert.equal(start(process.execPath, [join(packageRoot, "dist/hostdev.js"), "devices"]).status, 0);
  const node = () => start(process.execPath, ["-e", "0"]);
  const rows: (BenchRow | BenchGap)[] = [
    await compare({ what, peerName: "node -e 0, goal 1.5", ours, peer: node, rounds: 21 }),
  ];
  for (const [command, ...args] of peers) {
    const words = `${command} ${args.join(" ")}`;
    const { status, error, stderr } = start(command, args);
    if (error !== undefined) rows.push({ what: words, reason: `${command} is not installed` });
    else if (status !== 0) rows.push({ what: words, reason: stderr.toString().trim().split("\n")[0] ?? "it failed" });
    else rows.push(await compare({ what, peerName: words, ours, peer: () => start(command, args) }));
  }
  return rows;
}
