// SPDX-License-Identifier: Apache-2.0

import { Administrator } from "../src/administrator/administrator.ts";
import { type Lab, startLab } from "../src/lab.ts";

export const name = "grants";
export const title =
  "A grant and a revoke in the lab, beside a shell script that makes the same changes and checks nothing (emulated: compare ratios)";

/** As `packages/hostdev/test/bench/bench.ts` has it. */
interface Row {
  readonly what: string;
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly unit: string;
}

/** Milliseconds of one round. */
type Measured = Readonly<Record<"grant" | "revoke" | "lend" | "takeBack" | "libraryGrant" | "libraryRevoke", number>>;

const rounds = 5;
const device = "/sys/bus/pci/devices/0000:01:00.0";

/** Root's recipe from the books, with the same end: modules, driver, limits now and later, node. */
const lendByHand = `
  modprobe vfio_iommu_type1; modprobe vfio-pci
  echo vfio-pci > ${device}/driver_override
  echo 0000:01:00.0 > ${device}/driver/unbind
  echo 0000:01:00.0 > /sys/bus/pci/drivers_probe
  for pid in $(pgrep -u alex); do prlimit --pid $pid --memlock=1342177280; done
  echo '1000:1000 - memlock 1310720' > /etc/security/limits.d/by-hand.conf
  node=/dev/vfio/$(basename $(readlink ${device}/iommu_group))
  chown alex $node; chmod 600 $node`;

const takeBackByHand = `
  node=/dev/vfio/$(basename $(readlink ${device}/iommu_group))
  chown root $node
  rm /etc/security/limits.d/by-hand.conf
  for pid in $(pgrep -u alex); do prlimit --pid $pid --memlock=8388608; done
  echo 1 > ${device}/reset
  echo > ${device}/driver_override
  echo 0000:01:00.0 > ${device}/driver/unbind
  echo 0000:01:00.0 > /sys/bus/pci/drivers_probe
  modprobe -r vfio-pci; modprobe -r vfio_iommu_type1`;

/** Measures the program, and the library in a process that runs already; in turns with the script. */
export async function run(): Promise<readonly Row[]> {
  const lab = await startLab({ report: () => {} });
  try {
    lab.spawn("alex", "exec sleep 100000", { login: true });
    const administrator = await Administrator.start(lab);
    await once(lab, administrator); // fills caches
    const measured: Measured[] = [];
    for (let round = 0; round < rounds; round++) measured.push(await once(lab, administrator));
    const row = (what: string, ours: keyof Measured, peer: keyof Measured): Row => ({
      what,
      ours: median(measured.map((round) => round[ours])),
      peer: median(measured.map((round) => round[peer])),
      peerName: "sh, the same writes",
      unit: "ms",
    });
    return [
      row("hostdev-admin grant", "grant", "lend"),
      row("hostdev-admin revoke", "revoke", "takeBack"),
      row("grantDevice(), Node running", "libraryGrant", "lend"),
      row("revokeDevice(), Node running", "libraryRevoke", "takeBack"),
    ];
  } finally {
    await lab.stop();
  }
}

async function once(lab: Lab, administrator: Administrator): Promise<Measured> {
  const root = async (script: string) => (await lab.root(script, { check: true, timeoutMs: 300_000 })).ms;
  const ask = async (call: string, ...args: readonly unknown[]) => {
    const { error, ms } = await administrator.ask(call, ...args);
    if (error !== undefined) throw new Error(`${call}: ${error.message}`);
    return ms;
  };
  const request = { device: "0000:01:00.0", user: "alex", memoryBytes: 256 << 20, hold: [], force: [] };
  return {
    grant: await root("hostdev-admin grant 01:00.0 --to alex --memory 256MiB"),
    revoke: await root("hostdev-admin revoke 01:00.0"),
    lend: await root(lendByHand),
    takeBack: await root(takeBackByHand),
    libraryGrant: await ask("grantDevice", request),
    libraryRevoke: await ask("revokeDevice", "0000:01:00.0"),
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
