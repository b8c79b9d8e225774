// SPDX-License-Identifier: Apache-2.0

/**
 * Settings of the host around QEMU (CPU pinning and shares, limits, labels). They are understood and kept, and make
 * no QEMU argument; `unappliedSettings` lists what only a privileged daemon could apply.
 */
import { raw } from "../xml/raw.ts";
import { attribute, child, type Infer, leaf, list, object, required } from "../xml/schema.ts";
import { sizeContent } from "../xml/sizes.ts";
import { integer, oneOf } from "../xml/values.ts";
import { nodeSet } from "./node-set.ts";

const cpuset = required(attribute("cpuset", nodeSet));
const limit = (name: string) => child(name, object({ kib: required(sizeContent()) }));

const scheduler = {
  scheduler: required(attribute("scheduler", oneOf("batch", "idle", "fifo", "rr"))),
  priority: attribute("priority", integer(1, 99)),
};

/** `<cputune>`. */
export const cputune = object({
  shares: leaf("shares", integer(0)),
  period: leaf("period", integer(0)),
  quota: leaf("quota", integer(-1)),
  globalPeriod: leaf("global_period", integer(0)),
  globalQuota: leaf("global_quota", integer(-1)),
  emulatorPeriod: leaf("emulator_period", integer(0)),
  emulatorQuota: leaf("emulator_quota", integer(-1)),
  iothreadPeriod: leaf("iothread_period", integer(0)),
  iothreadQuota: leaf("iothread_quota", integer(-1)),
  vcpupins: list("vcpupin", object({ vcpu: required(attribute("vcpu", integer(0))), cpuset })),
  emulatorpin: child("emulatorpin", object({ cpuset })),
  iothreadpins: list("iothreadpin", object({ iothread: required(attribute("iothread", integer(1))), cpuset })),
  vcpuscheds: list("vcpusched", object({ vcpus: required(attribute("vcpus", nodeSet)), ...scheduler })),
  iothreadscheds: list("iothreadsched", object({ iothreads: required(attribute("iothreads", nodeSet)), ...scheduler })),
  emulatorsched: child("emulatorsched", object(scheduler)),
  cachetunes: list("cachetune", raw),
  memorytunes: list("memorytune", raw),
});
export type Cputune = Infer<typeof cputune>;

/** `<memtune>`; libvirt writes 9007199254740991 KiB for no limit. */
export const memtune = object({
  hardLimit: limit("hard_limit"),
  softLimit: limit("soft_limit"),
  minGuarantee: limit("min_guarantee"),
  swapHardLimit: limit("swap_hard_limit"),
});
export type Memtune = Infer<typeof memtune>;

/** `<blkiotune>`. */
export const blkiotune = object({ weight: leaf("weight", integer(10, 1000)), devices: list("device", raw) });

const range = object({
  start: required(attribute("start", integer(0))),
  target: required(attribute("target", integer(0))),
  count: required(attribute("count", integer(1))),
});

/** `<idmap>`; for containers, QEMU has no use for it. */
export const idmap = object({ uids: list("uid", range), gids: list("gid", range) });
