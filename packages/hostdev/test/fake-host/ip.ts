// SPDX-License-Identifier: Apache-2.0
import type { CommandAnswer } from "./commands.ts";
import type { FakeMachine } from "./fake-machine.ts";
import type { FakeProcess } from "./fake-process.ts";
import type { PciFunction } from "./pci-function.ts";

/** ip(8), as far as virtual functions go: `link show dev NAME` as JSON, `link set dev NAME vf N mac|vlan VALUE`. */
export function ip(args: readonly string[], process: FakeProcess, machine: FakeMachine): CommandAnswer {
  const name = args[args.indexOf("dev") + 1] ?? "";
  const physical = [...machine.bus.functions.values()].find(
    (fn) => fn.driver?.kind === "native" && nameOf(fn) === name,
  );
  if (physical === undefined) return { status: 1, stderr: `Device "${name}" does not exist.\n` };
  if (!args.includes("set")) return { stdout: `${JSON.stringify([describe(name, physical)])}\n` };
  if (process.caller.uid !== 0) return { status: 2, stderr: "RTNETLINK answers: Operation not permitted\n" };
  const [number = "", key, value = ""] = args.slice(args.indexOf("vf") + 1);
  const virtual = physical.virtuals[Number(number)];
  if (virtual === undefined) return { status: 2, stderr: "RTNETLINK answers: Invalid argument\n" };
  if (key === "mac") virtual.settings = { ...virtual.settings, mac: value };
  else virtual.settings = { ...virtual.settings, vlan: Number(value) };
  return {};
}

function nameOf({ spec: { net } }: PciFunction): string | undefined {
  return typeof net === "string" ? net : net?.name;
}

function describe(name: string, physical: PciFunction): object {
  const list = physical.virtuals.map(({ settings: { mac, vlan } }, vf) => ({
    vf,
    address: mac,
    vlan_list: [vlan === 0 ? {} : { vlan }],
  }));
  return { ifname: name, vfinfo_list: list };
}
