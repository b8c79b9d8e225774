// SPDX-License-Identifier: Apache-2.0
import { addressAfter, addressParts, type FunctionSpec, hex } from "./function-spec.ts";
import { PciFunction } from "./pci-function.ts";

/** The hardware: what functions there are and where. Stays over reboots, at which it may be changed. */
export class Topology {
  readonly functions = new Map<string, FunctionSpec>();
  hasIommu = false;

  add(spec: FunctionSpec): void {
    if (this.functions.has(spec.address)) throw new Error(`${spec.address} is there already`);
    addressParts(spec.address);
    this.functions.set(spec.address, spec);
  }

  /** Gives some properties of a function new values. */
  change(address: string, changes: Partial<FunctionSpec>): void {
    const spec = this.functions.get(address);
    if (spec === undefined) throw new Error(`there is no ${address}`);
    this.functions.set(address, { ...spec, ...changes });
  }

  /** The next bus number that no bridge has taken. */
  nextBus(): number {
    const taken = [...this.functions.values()].flatMap((spec) => [
      addressParts(spec.address).bus,
      spec.bridge?.subordinate ?? spec.bridge?.secondary ?? 0,
    ]);
    return Math.max(0, ...taken) + 1;
  }

  /** The functions as the kernel finds them at boot, in order of address, with directories and group numbers. */
  enumerate(): PciFunction[] {
    const specs = [...this.functions.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
    const bridges = new Map<string, FunctionSpec>();
    for (const spec of specs) {
      if (spec.bridge !== undefined) bridges.set(`${addressParts(spec.address).domain}:${spec.bridge.secondary}`, spec);
    }
    const numbers = freeNumbers(new Set(specs.map((spec) => spec.group)));
    const first = (spec: FunctionSpec) => spec.address.replace(/[1-7]$/, "0");
    const multiple = new Set(specs.filter((spec) => spec.address !== first(spec)).map(first));
    return specs.map((spec) => {
      const group = this.hasIommu && spec.group !== null ? (spec.group ?? numbers.next().value) : undefined;
      const isFirstOfMany = multiple.has(spec.address);
      return new PciFunction(spec, { path: pathOf(spec.address, bridges), group, isFirstOfMany });
    });
  }

  /** Virtual functions of a PF, in groups of their own: each takes the lowest number that is free. */
  virtuals(physical: PciFunction, count: number, usedGroups: readonly number[]): PciFunction[] {
    const spec = physical.spec.vfs;
    if (spec === undefined) return [];
    const parent = physical.path.slice(0, physical.path.lastIndexOf("/"));
    const numbers = freeNumbers(new Set(usedGroups), spec.firstGroup);
    return Array.from({ length: count }, (_, index) => {
      const address = addressAfter(physical.address, (spec.offset ?? 128) + index * (spec.stride ?? 2));
      const { ids, driver } = spec;
      const virtual: FunctionSpec = { address, ids, class: physical.spec.class ?? "020000" };
      const withDriver = driver === undefined ? virtual : { ...virtual, driver };
      const group = physical.group === undefined ? undefined : numbers.next().value;
      return new PciFunction(withDriver, { path: `${parent}/${address}`, group, physical });
    });
  }
}

function* freeNumbers(taken: ReadonlySet<number | null | undefined>, from = 0): Generator<number, never> {
  for (let number = from; ; number++) if (!taken.has(number)) yield number;
}

function pathOf(address: string, bridges: ReadonlyMap<string, FunctionSpec>): string {
  const { domain, bus } = addressParts(address);
  const bridge = bridges.get(`${domain}:${bus}`);
  const parent = bridge === undefined ? `/sys/devices/pci${domain}:${hex(bus, 2)}` : pathOf(bridge.address, bridges);
  return `${parent}/${address}`;
}
