// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { formatDomain, parseDomain } from "../../src/domain/parse.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { referenceEnvironment } from "../../src/qemu/reference.ts";
import { readXml } from "../../src/xml/reader.ts";
import { type BenchRow, median, time } from "./bench.ts";

export const name = "session";
export const title = "A domain of 40 devices, from XML to QEMU's arguments in a warm process, below 5 ms";

const goalMs = 5;
const rounds = 200;

export async function run(): Promise<readonly BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const machine of ["q35", "pc"]) {
    const text = fortyDevices(machine);
    const act = () => {
      const domain = parseDomain(text);
      return buildArguments(domain, referenceEnvironment(domain, { major: 10, minor: 0 }));
    };
    assert.equal(
      act().filter((argument) => /"id":"(virtio-disk|net|hostdev|channel|input|rng)/.test(argument)).length,
      40,
    );
    const full = formatDomain(parseDomain(text));
    const ours = await medianOf(act);
    rows.push(
      { ...goal(`${machine}: parse and arguments`), ours },
      { ...goal(`${machine}: parse and arguments, CPU time`), ours: cpuMs(act) },
      {
        what: `${machine}: parse and arguments`,
        ours,
        peer: await medianOf(() => readXml(text)),
        peerName: "reading the XML alone",
        unit: "ms",
      },
      {
        ...goal(`${machine}: the same with all defaults written out`),
        ours: await medianOf(() => {
          const domain = parseDomain(full);
          buildArguments(domain, referenceEnvironment(domain, { major: 10, minor: 0 }));
        }),
      },
    );
  }
  return rows;
}

function goal(what: string) {
  return { what, peer: goalMs, peerName: `the goal, ${goalMs} ms`, unit: "ms" };
}

/** What one round takes of a processor, on average; the same on a busy machine, on which a round is interrupted. */
function cpuMs(act: () => unknown): number {
  const start = process.cpuUsage();
  for (let round = 0; round < rounds; round++) act();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000 / rounds;
}

/** Warm: the first rounds are not counted, in which the code is compiled. */
async function medianOf(act: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await time(act));
  return median(times.slice(rounds / 4));
}

/** 40 devices that a user writes: disks, cards, host devices, channels, inputs, generators of random numbers. */
function fortyDevices(machine: string): string {
  const each = (count: number, make: (index: number) => string) => Array.from({ length: count }, (_, i) => make(i));
  const letter = (index: number) => String.fromCharCode(97 + index);
  const devices = [
    ...each(
      12,
      (i) =>
        `<disk type='file'><driver name='qemu' type='qcow2'/><source file='/d/${i}'/><target dev='vd${letter(i)}' bus='virtio'/></disk>`,
    ),
    ...each(8, (i) => `<interface type='user'><mac address='52:54:00:00:00:0${i}'/><model type='virtio'/></interface>`),
    ...each(4, (i) => `<hostdev type='pci'><source><address bus='0x${i + 1}'/></source></hostdev>`),
    ...each(8, (i) => `<channel type='unix'><target type='virtio' name='org.example.${i}'/></channel>`),
    ...each(4, () => "<input type='tablet' bus='virtio'/>"),
    ...each(4, () => "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>"),
  ];
  return `<domain type='kvm'><name>forty</name><uuid>5a1f0c3e-1111-4c6e-9a01-000000000040</uuid><memory unit='GiB'>4</memory><vcpu>4</vcpu>
<os><type arch='x86_64' machine='${machine}'>hvm</type></os><features><acpi/></features>
<devices>\n${devices.join("\n")}\n</devices></domain>`;
}
