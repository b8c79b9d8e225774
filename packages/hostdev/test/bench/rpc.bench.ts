// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { testDomain } from "../integration/domains.ts";
import { lacks, startLibvirtd, startSessiond, TestUser } from "../integration/programs.ts";
import { type BenchGap, type BenchRow, compare } from "./bench.ts";

export const name = "rpc";
export const title = "virsh and what it asks, on hostdev-sessiond beside libvirt's own session daemon";

const domains = 500;
const repetitions = 200;
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
    rows.push(memory("memory, idle", sessiond.child.pid, libvirtd.child.pid));
    rows.push(await both("connect and first answer, warm", "uri\nhostname\n"));
    rows.push(
      existsSync("/sys/bus/pci/devices/0000:00:00.0")
        ? await both(`${repetitions} x nodedev-dumpxml`, `nodedev-dumpxml ${device}\n`.repeat(repetitions))
        : { what: `${repetitions} x nodedev-dumpxml`, reason: "this machine has no PCI device" },
    );
    for (const user of [ours, theirs]) {
      virsh(user, Array.from({ length: domains }, (_, index) => define(user, index)).join(""));
    }
    rows.push(await both(`${repetitions} x dominfo`, "dominfo vm7\n".repeat(repetitions)));
    rows.push(await both(`list of ${domains} domains`, "list --all\n"));
    rows.push(memory(`memory with ${domains} domains`, sessiond.child.pid, libvirtd.child.pid));
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
  return `define ${path}\n`;
}

function memory(what: string, ours = 0, theirs = 0): BenchRow {
  return { what, ours: rssMiB(ours), peer: rssMiB(theirs), peerName: "libvirtd", unit: "MiB" };
}

function rssMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}
