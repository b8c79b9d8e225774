// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { testDomain } from "../integration/domains.ts";
import { copySessiond, endProcess, lacks, startLibvirtd, startSessiond, TestUser } from "../integration/programs.ts";
import { type BenchGap, type BenchRow, compare, median, time } from "./bench.ts";

export const name = "rpc";
export const title = "virsh and what it asks, on hostdev-sessiond beside libvirt's own session daemon";

const domains = 500;
const repetitions = 200;
const machines = 20;
const device = "pci_0000_00_00_0";

/** Times the same virsh on both daemons, each with a user of its own. */
export async function run(): Promise<readonly (BenchRow | BenchGap)[]> {
  const reason = lacks("virsh", "libvirt-clients") || lacks("/usr/sbin/libvirtd", "libvirt-daemon");
  if (reason) return [{ what: "virsh on both daemons", reason }];
  const [ours, theirs] = [new TestUser(), new TestUser()];
  try {
    const sessiond = await startSessiond(ours);
    const libvirtd = await startLibvirtd(theirs);
    const both = async (what: string, script: string) =>
      compare({
        what,
        peerName: "libvirtd",
        ours: () => virsh(ours, script),
        peer: () => virsh(theirs, script),
        rounds: 5,
      });
    const rows: (BenchRow | BenchGap)[] = [];
    const memory = (what: string) => memoryRows(what, sessiond.child.pid, libvirtd.child.pid);
    rows.push(...memory("idle"));
    rows.push(await both("connect and first answer, warm", "uri\nhostname\n"));
    rows.push(
      existsSync("/sys/bus/pci/devices/0000:00:00.0")
        ? await both(`${repetitions} x nodedev-dumpxml`, `nodedev-dumpxml ${device}\n`.repeat(repetitions))
        : { what: `${repetitions} x nodedev-dumpxml`, reason: "this machine has no PCI device" },
    );
    for (const user of [ours, theirs]) {
      virsh(
        user,
        commands(domains, (index) => define(user, index)),
      );
    }
    rows.push(await both(`${repetitions} x dominfo`, "dominfo vm7\n".repeat(repetitions)));
    rows.push(await both(`list of ${domains} domains`, "list --all\n"));
    rows.push(...memory(`${domains} domains`));
    if (!lacks("qemu-system-x86_64", "qemu-system-x86")) {
      rows.push(await starts(ours, theirs));
      for (const user of [ours, theirs])
        virsh(
          user,
          commands(machines, (index) => `start vm${index}`),
        );
      rows.push(...memory(`${domains} domains, ${machines} of them running`));
      for (const user of [ours, theirs])
        virsh(
          user,
          commands(machines, (index) => `destroy vm${index}`),
        );
    }
    rows.push(await coldStarts());
    return rows;
  } finally {
    await ours.remove();
    await theirs.remove();
  }
}

function virsh(user: TestUser, input: string): void {
  const { status, stderr } = user.run("virsh", ["-q", "-c", "qemu:///session"], { input });
  if (status !== 0) throw new Error(`virsh fails: ${stderr}`);
}

/** A command that defines a small domain. */
function define(user: TestUser, index: number): string {
  const path = join(user.folder, `vm${index}.xml`);
  const name = `vm${index}`;
  writeFileSync(path, testDomain.replace("<name>vm<", `<name>${name}<`).replace(/<uuid>.*\n/, ""));
  return `define ${path}`;
}

function commands(count: number, command: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `${command(index)}\n`).join("");
}

/** `virsh start`, of virsh's own start to its end; what ends the VM again is not counted. */
async function starts(ours: TestUser, theirs: TestUser): Promise<BenchRow> {
  const times = new Map([ours, theirs].map((user): [TestUser, number[]] => [user, []]));
  for (let round = 0; round < 20; round++) {
    for (const [user, list] of times) {
      list.push(await time(() => virsh(user, "start vm1\n")));
      virsh(user, "destroy vm1\n");
    }
  }
  const [mine = [], peer = []] = times.values();
  return {
    what: "virsh start, median of 20",
    ours: median(mine),
    peer: median(peer),
    peerName: "libvirtd",
    unit: "ms",
  };
}

/** From nothing to virsh's first answer: the daemon is started when its client comes. */
async function coldStarts(): Promise<BenchRow> {
  const [ours, theirs] = [new TestUser(), new TestUser()];
  try {
    const sessiond = [process.execPath, join(copySessiond(ours), "hostdev-sessiond.js")];
    const first = async (user: TestUser, [command = "", ...args]: readonly string[], socket: string) => {
      let child: ChildProcess | undefined;
      const duration = await time(async () => {
        child = user.start(command, args).child;
        while (!existsSync(join(user.runtime, "libvirt", socket))) await sleep(2);
        virsh(user, "uri\n");
      });
      if (child !== undefined) await endProcess(child);
      return duration;
    };
    const mine: number[] = [];
    const peer: number[] = [];
    for (let round = 0; round < 6; round++) {
      mine.push(await first(ours, sessiond, "virtqemud-sock"));
      peer.push(await first(theirs, ["/usr/sbin/libvirtd", "--timeout=600"], "libvirt-sock"));
    }
    // The first time libvirtd asks its emulators what they can, which is then in its cache.
    const what = "connect and first answer, cold";
    return { what, ours: median(mine.slice(1)), peer: median(peer.slice(1)), peerName: "libvirtd", unit: "ms" };
  } finally {
    await ours.remove();
    await theirs.remove();
  }
}

/** What a daemon holds in all, and what of it is its own: the rest is files that all programs of that kind share. */
function memoryRows(what: string, ours = 0, theirs = 0): readonly BenchRow[] {
  const row = (name: string, field: string): BenchRow => ({
    what: `memory, ${what}${name}`,
    ours: statusMiB(ours, field),
    peer: statusMiB(theirs, field),
    peerName: "libvirtd",
    unit: "MiB",
  });
  return [row("", "VmRSS"), row(" (private)", "RssAnon")];
}

function statusMiB(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
}
