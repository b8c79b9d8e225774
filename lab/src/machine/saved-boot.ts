// SPDX-License-Identifier: Apache-2.0

/*
 * Booting takes half a minute of emulation; restoring a machine that was saved when it had booted takes a second or two.
 * So the first boot of each kind of machine (image, devices, size, kernel arguments, the lab's own files) is saved in the
 * cache, and later labs of that kind start from it. Devices whose state QEMU can't save are plugged in afterwards.
 */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LabError } from "../lab-error.ts";
import { copySparse } from "./backing-files.ts";
import { bootMachine, type MachinePlan, machineArgs } from "./boot.ts";
import { writeInitrd } from "./initrd.ts";
import { Machine } from "./machine.ts";
import { placeDevices, splitForSaving } from "./placement.ts";
import { plugDevices } from "./plug.ts";

const keptBoots = 12;

/**
 * Starts a machine from the saved boot of its kind, which is made first if there is none.
 *
 * Touches: the image's directory in the cache (`boots/`), the machine's directory.
 *
 * @throws {LabError} as {@link bootMachine}; the machine is off then.
 */
export async function restoreMachine(plan: MachinePlan, report: (line: string) => void): Promise<Machine> {
  const { paths, image } = plan;
  const { saved, later } = splitForSaving(placeDevices(plan.topology));
  await writeInitrd(image, paths.initrd);
  const boot = join(image.directory, "boots", await kindOf(plan));
  if (!existsSync(boot)) {
    report("first boot of this kind of machine (half a minute); the next ones start from a saved copy of it");
    const machine = await bootMachine(plan, saved);
    await saveBoot(machine, plan, boot);
  }
  const now = new Date();
  await utimes(boot, now, now).catch(() => {
    // A cache that we may only read.
  });
  await copySparse(join(boot, "data.raw"), paths.dataDisk);
  const args = [...machineArgs(plan, saved), "-incoming", `file:${join(boot, "state")}`];
  const machine = await Machine.start(image, paths, args);
  const seconds = Date.now() / 1000;
  await machine.channel.run("root", `date -s @${seconds}; mount -a -t 9p`, { check: true });
  await plugDevices(machine, later, paths.directory);
  return machine;
}

async function saveBoot(machine: Machine, { paths }: MachinePlan, boot: string): Promise<void> {
  // A mounted 9p file system can't be saved.
  await machine.channel.run("root", "umount /opt/hostdev /opt/lab; sync", { check: true });
  await mkdir(dirname(boot), { recursive: true });
  const building = await mkdtemp(`${boot}-`);
  try {
    await machine.qmp.execute("migrate", { uri: `file:${join(building, "state")}` });
    await migrationDone(machine);
    await machine.cutPower();
    await copySparse(paths.dataDisk, join(building, "data.raw"));
    // Another process may have saved the same kind meanwhile; either one will do.
    if (!existsSync(boot)) await rename(building, boot);
    await pruneBoots(dirname(boot));
  } finally {
    await machine.cutPower();
    await rm(building, { recursive: true, force: true });
  }
}

/** Keeps the boots used last: each change of the lab's own files makes a new kind, of 300 MB. */
async function pruneBoots(directory: string): Promise<void> {
  const boots = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const path = join(directory, name);
      return { path, usedMs: (await stat(path)).mtimeMs };
    }),
  );
  const old = boots.toSorted((a, b) => b.usedMs - a.usedMs).slice(keptBoots);
  // One that another lab may be reading now stays.
  const unused = old.filter(({ usedMs }) => Date.now() - usedMs > 600_000);
  await Promise.all(unused.map(({ path }) => rm(path, { recursive: true, force: true })));
}

async function migrationDone(machine: Machine): Promise<void> {
  for (;;) {
    const facts = (await machine.qmp.execute("query-migrate")) as { status?: string; "error-desc"?: string };
    if (facts.status === "completed") return;
    if (facts.status === "failed") throw new LabError(`Cannot save the lab's machine: ${facts["error-desc"]}`);
    await sleep(100);
  }
}

/** Names a kind of machine by its command line and the lab's files in its initrd, without the paths of this one. */
async function kindOf(plan: MachinePlan): Promise<string> {
  const { saved } = splitForSaving(placeDevices(plan.topology));
  const hash = createHash("sha256");
  for (const arg of machineArgs(plan, saved)) {
    hash.update(`${arg.replaceAll(plan.paths.directory, "").replaceAll(plan.paths.hostdev, "")}\0`);
  }
  hash.update(await readFile(plan.paths.initrd));
  return hash.digest("hex").slice(0, 16);
}
