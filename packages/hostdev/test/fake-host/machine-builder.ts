// SPDX-License-Identifier: Apache-2.0

import type { FakeHost } from "./fake-host.ts";
import { FakeMachine } from "./fake-machine.ts";
import type { Limit } from "./fake-process.ts";
import type { BridgeOptions, FunctionOptions, FunctionSpec } from "./function-spec.ts";
import { canonical } from "./modules.ts";
import { Topology } from "./topology.ts";
import { Users } from "./users.ts";

type ProcessToStart = {
  readonly user: string | number;
  readonly comm: string;
  readonly cmdline?: readonly string[];
  readonly memlock?: Limit;
};

/**
 * Begins the description of a machine: one of 8 GiB with a host bridge and without anything else.
 *
 * @example
 * const machine = fakeMachine()
 *   .iommu()
 *   .bridge("0000:00:02.0")
 *   .function("0000:01:00.0", { ids: "8086:10d3", class: "020000", driver: "e1000e", group: 7, net: "enp1s0" })
 *   .user("alex", 1000)
 *   .build();
 * const host = machine.open();
 */
export function fakeMachine(): MachineBuilder {
  return new MachineBuilder();
}

const interruptsOf = (chip: string) => `           CPU0       \n  0:         44  ${chip}   2-edge      timer\n`;

export class MachineBuilder {
  readonly #topology = new Topology();
  readonly #users = new Users();
  readonly #pseudoFiles = new Map<string, string>();
  readonly #files: { path: string; content: string; mode: number }[] = [];
  readonly #mounts: string[] = [];
  readonly #mountinfo: string[] = [];
  readonly #swaps: string[] = [];
  readonly #missing = new Set<string>();
  readonly #bootModules: string[] = [];
  readonly #processes: ProcessToStart[] = [];
  readonly #missingCommands: string[] = [];
  #hasIommufd = false;
  #hasStaticNodes = false;
  #overrideTakesLock = false;
  #hasSystemd = false;
  #memoryBytes = 8 * 1024 ** 3;

  constructor() {
    this.function("0000:00:00.0", { ids: "8086:29c0", class: "060000", reset: [] });
  }

  /** Gives the machine an IOMMU that remaps interrupts: every function gets a group, of its own unless told otherwise. */
  iommu(): this {
    this.#topology.hasIommu = true;
    return this.file("/proc/interrupts", interruptsOf("IR-IO-APIC"));
  }

  /** Takes from the IOMMU that it remaps interrupts: on this machine the kernel lets VFIO have no group. */
  withoutInterruptRemapping(): this {
    return this.file("/proc/interrupts", interruptsOf("IO-APIC"));
  }

  /** Gives the kernel iommufd and VFIO's device files (`/dev/iommu`, `/dev/vfio/devices/vfioN`). */
  iommufd(): this {
    this.#hasIommufd = true;
    return this;
  }

  /** Makes `/dev/vfio/vfio` at boot, before its module is loaded, as systemd does; opening it loads the module. */
  staticNodes(): this {
    this.#hasStaticNodes = true;
    return this;
  }

  /** Lets systemd run the machine: units below `/etc/systemd/system`, `systemctl`. */
  systemd(): this {
    this.#hasSystemd = true;
    return this;
  }

  /**
   * Gives the machine an older kernel (before 2026; Debian's 6.12.117 is newer), whose `driver_override` is under the
   * device lock: while an unbind hangs, whoever reads or writes the override hangs too.
   */
  overrideTakesLock(): this {
    this.#overrideTakesLock = true;
    return this;
  }

  /** A PCI Express bridge, driven by pcieport. Its secondary bus is the next free number unless given. */
  bridge(address: string, options: FunctionOptions & Partial<Omit<BridgeOptions, "bridge">> = {}): this {
    const { secondary = this.#topology.nextBus(), subordinate = secondary, portType = 4, ...rest } = options;
    const bridge: BridgeOptions = { secondary, subordinate, portType };
    const ids = portType === 7 ? "1b36:000e" : "1b36:000c";
    this.#topology.add({ ids, class: "060400", reset: [], ...rest, address, bridge });
    return this;
  }

  /** A function. Its bus is behind the bridge with that secondary bus, or else a root bus. */
  function(address: string, options: FunctionOptions = {}): this {
    const spec: FunctionSpec = { ...options, address };
    this.#topology.add(spec);
    return this;
  }

  user(name: string, uid: number, options: { readonly gid?: number; readonly groups?: readonly number[] } = {}): this {
    this.#users.add({ name, uid, gid: options.gid ?? uid, groups: options.groups ?? [] });
    return this;
  }

  group(name: string, gid: number): this {
    this.#users.addGroup(name, gid);
    return this;
  }

  /** A process that runs from the start, but not after a reboot. */
  process(options: ProcessToStart): this {
    this.#processes.push(options);
    return this;
  }

  memory(bytes: number): this {
    this.#memoryBytes = bytes;
    return this;
  }

  /** A file: below /proc or /sys one that the kernel makes, at every boot; else one on the disk, root's. */
  file(path: string, content: string, mode = 0o644): this {
    if (/^\/(proc|sys)\//.test(path)) this.#pseudoFiles.set(path, content);
    else this.#files.push({ path, content, mode });
    return this;
  }

  /** A mounted file system, in `/proc/self/mounts` and `mountinfo`. `number` is the device's `major:minor`. */
  mount(source: string, target: string, type: string, number = "0:99"): this {
    this.#mounts.push(`${source} ${target} ${type} rw,relatime 0 0\n`);
    const id = 20 + this.#mounts.length;
    const info = `${id} 1 ${number} / ${target} rw,relatime shared:1 - ${type} ${source} rw\n`;
    this.#mountinfo.push(info);
    return this;
  }

  swap(path: string): this {
    this.#swaps.push(`${path.padEnd(40)}partition\t1048572\t\t0\t\t-2\n`);
    return this;
  }

  /** Takes a module out of /lib/modules. */
  withoutModule(name: string): this {
    this.#missing.add(canonical(name));
    return this;
  }

  /** Loads a module at boot. */
  bootModule(name: string): this {
    this.#bootModules.push(name);
    return this;
  }

  withoutCommand(name: string): this {
    this.#missingCommands.push(name);
    return this;
  }

  /** Boots it. */
  build(): FakeMachine {
    const pseudoFiles = new Map(this.#pseudoFiles);
    if (this.#swaps.length > 0)
      pseudoFiles.set("/proc/swaps", `Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n${this.#swaps.join("")}`);
    const machine = new FakeMachine({
      topology: this.#topology,
      users: this.#users,
      memoryBytes: this.#memoryBytes,
      pseudoFiles,
      mounts: { mounts: this.#mounts.join(""), mountinfo: this.#mountinfo.join("") },
      missingModules: this.#missing,
      hasIommufd: this.#hasIommufd,
      hasStaticNodes: this.#hasStaticNodes,
      overrideTakesLock: this.#overrideTakesLock,
      hasSystemd: this.#hasSystemd,
      bootModules: this.#bootModules,
    });
    const passwd = this.#users
      .all()
      .map((user) => this.#users.passwdLine(user))
      .join("");
    const groups = this.#users
      .groups()
      .map((group) => this.#users.groupLine(group))
      .join("");
    const files = [
      { path: "/etc/passwd", content: passwd, mode: 0o644 },
      { path: "/etc/group", content: groups, mode: 0o644 },
      ...this.#files,
    ];
    for (const { path, content, mode } of files) machine.fs.add(path, { kind: "file", content, mode, uid: 0, gid: 0 });
    for (const path of [
      "/var/lib",
      "/usr/bin",
      "/home",
      "/etc/security/limits.d",
      "/etc/systemd/system",
      "/etc/udev/rules.d",
    ])
      machine.fs.directory(path);
    for (const { name, uid, gid } of this.#users.all()) {
      Object.assign(machine.fs.directory(uid === 0 ? "/root" : `/home/${name}`), { uid, gid, mode: 0o700 });
    }
    for (const name of this.#missingCommands) machine.commands.remove(name);
    for (const process of this.#processes) machine.process(process);
    return machine;
  }

  /** Boots it and starts a program on it as root. */
  open(): FakeHost {
    return this.build().open();
  }
}
