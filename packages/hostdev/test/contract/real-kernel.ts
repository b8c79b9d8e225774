// SPDX-License-Identifier: Apache-2.0
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { realHost } from "../../src/core/real-host.ts";
import { kernelContract } from "./kernel.ts";
import { device, driverOf, type Held, type KernelSubject, sysfs } from "./kernel-subject.ts";
import { userView } from "./user-view.ts";

/*
 * The contract on the kernel that this runs on, as root: that of the lab's full zoo. The scenario `kernel-contract`
 * bundles it with `user-process.ts`, and puts the program that holds groups beside both.
 */

const { dirname: here } = import.meta;
const host = realHost();

/** Starts vfio-hold.pl; what it says first tells whether the group is viable. */
async function hold(group: number, ...what: readonly string[]): Promise<Held & { readonly isViable: boolean }> {
  const args = [join(here, "vfio-hold.pl"), String(group), ...what];
  const { pid, stdin, stdout, stderr, ended } = await host.spawn("perl", args, { stdin: "pipe" });
  const line = stdout === null ? "" : await firstLine(stdout);
  stdout?.resume();
  stderr?.resume();
  const release = async () => {
    stdin?.end();
    await ended;
  };
  if (line !== "viable" && line !== "not viable") throw new Error(`vfio-hold.pl ${group} ${what.join(" ")}: ${line}`);
  return { pid, isViable: line === "viable", release };
}

async function firstLine(stream: Readable): Promise<string> {
  for await (const line of createInterface({ input: stream })) return line;
  return "nothing";
}

const groupOf = (address: string) => Number(basename(host.readLink(`${device(address)}/iommu_group`) ?? ""));

/** Whether it is a port with nothing behind it. */
function isSpare(address: string): boolean {
  const isAddress = (name: string) => /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(name);
  return driverOf(host, address) === "pcieport" && !(host.list(device(address)) ?? []).some(isAddress);
}

async function realSubject(): Promise<KernelSubject> {
  const addresses = ["0000:04:01.0", "0000:04:02.0", "0000:04:03.0"] as const;
  return {
    host,
    user: userView("alex", join(here, "user-process.mjs")),
    lone: { address: "0000:01:00.0", driver: "e1000e", group: groupOf("0000:01:00.0") },
    shared: { addresses, driver: "e1000", group: groupOf(addresses[0]) },
    bridge: host.list(`${sysfs}/devices`)?.find(isSpare) ?? "no spare port",
    pciBridge: "0000:03:00.0",
    physical: "0000:05:00.0",
    openGroup: (group) => hold(group),
    claimGroup: (group) => hold(group, "claim"),
    openDevice: (group, address) => hold(group, "claim", address),
    isViable: async (group) => {
      const held = await hold(group);
      await held.release();
      return held.isViable;
    },
  };
}

kernelContract("Linux", realSubject);
