// SPDX-License-Identifier: Apache-2.0
import type { ErrorCode } from "../../src/core/error-details.ts";
import { type SampleParts, sampleDomain } from "../domain/sample-domain.ts";
import { type FakeHost, type FakeMachine, labMachine } from "../fake-host/index.ts";
import { attribute } from "../fake-host/nodes.ts";

/** The network card that alex has. */
export const nic = "0000:01:00.0";
const emulator = "/usr/bin/qemu-system-x86_64";

/** One thing that is wrong, and how the check calls it. */
export interface Row {
  /** Breaks the machine, seen by alex through `host`. */
  readonly arrange?: (machine: FakeMachine, host: FakeHost) => unknown;
  readonly parts?: SampleParts & { readonly device?: string; readonly firmware?: string };
  readonly probesQemu?: boolean;
  readonly code: ErrorCode;
  readonly text?: RegExp;
  readonly level?: "warning";
}

/** QEMU as far as a check asks it. */
export function installQemu(machine: FakeMachine, answers: Readonly<Record<string, string>> = {}): void {
  const usual: Readonly<Record<string, string>> = {
    "--version": "QEMU emulator version 10.0.3\n",
    "-machine":
      "Supported machines are:\npc                   Standard PC (alias of pc-i440fx-10.0)\nq35   Standard PC\n",
    "-device": ["vfio-pci", "pcie-root-port", "qemu-xhci", "virtio-balloon-pci"]
      .map((name) => `name "${name}", bus PCI\n`)
      .join(""),
  };
  machine.fs.add(emulator, { kind: "file", content: "ELF", mode: 0o755, uid: 0, gid: 0 });
  const answer = (args: readonly string[]) => ({ stdout: { ...usual, ...answers }[args[0] ?? ""] ?? "" });
  machine.command(emulator, answer, { mutates: false });
}

/** The lab's machine with the card on vfio-pci and its node alex's, and a program of his that may lock 1 GiB. */
export async function readyMachine(): Promise<{ readonly machine: FakeMachine; readonly host: FakeHost }> {
  const machine = labMachine().bootModule("vfio-pci").bootModule("pci-stub").build();
  installQemu(machine);
  machine.rebind(nic, "vfio-pci");
  const root = machine.open();
  root.setOwnership("/dev/vfio/11", { uid: 1000, gid: 0, mode: 0o600 });
  root.setOwnership("/dev/vfio/vfio", { uid: 0, gid: 0, mode: 0o666 });
  machine.fs.add("/proc/net/tcp", attribute(" sl local_address rem_address st"));
  const host = machine.open("alex", { environment: { HOME: "/home/alex" } });
  await root.run("prlimit", ["--pid", String(host.self.pid), `--memlock=${1024 ** 3}`]);
  return { machine, host };
}

/** A domain with the card, or another device, in it. */
export function xmlOf({ device = nic, devices = "", firmware, ...parts }: NonNullable<Row["parts"]>): string {
  const [, bus, slot, fn] = /^0000:(..):(..)\.(.)$/.exec(device) ?? [];
  const hostdev = `<hostdev type='pci'><source><address bus='0x${bus}' slot='0x${slot}' function='0x${fn}'/></source></hostdev>`;
  const xml = sampleDomain({ ...parts, devices: device === "" ? devices : hostdev + devices });
  return firmware === undefined ? xml : xml.replace("<os>", `<os firmware='${firmware}'>`);
}
