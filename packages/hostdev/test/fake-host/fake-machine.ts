// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { Clock } from "./clock.ts";
import { type CommandModel, Commands } from "./commands.ts";
import { driversFor } from "./drivers.ts";
import { FakeFileSystem } from "./fake-file-system.ts";
import { FakeHost } from "./fake-host.ts";
import type { FakeProcess, Limit } from "./fake-process.ts";
import { type Fault, Faults, type HostOperation, type OperationPattern } from "./faults.ts";
import { type GroupHolder, type HoldOptions, IommuGroups } from "./iommu-groups.ts";
import { Locks } from "./locks.ts";
import { Modules } from "./modules.ts";
import { attribute, kernelCaller, plainDirectory, pseudoDirectory } from "./nodes.ts";
import { PciBus } from "./pci-bus.ts";
import type { PciFunction } from "./pci-function.ts";
import { addProcFiles } from "./proc-files.ts";
import { ProcessTable } from "./process-table.ts";
import { type ProgramModel, Programs } from "./programs.ts";
import { type Snapshot, takeSnapshot } from "./snapshot.ts";
import { Systemd } from "./systemd.ts";
import type { Topology } from "./topology.ts";
import type { Users } from "./users.ts";
import { VfioCdevs } from "./vfio-cdevs.ts";

/** What a machine is apart from its PCI functions and users; stays over reboots. */
export interface MachineOptions {
  readonly topology: Topology;
  readonly users: Users;
  readonly memoryBytes: number;
  /** Files of proc and sysfs that the model does not make itself, such as `/proc/net/route`. */
  readonly pseudoFiles: ReadonlyMap<string, string>;
  /** Every process's `/proc/PID/mounts` and `mountinfo`. */
  readonly mounts: { mounts: string; mountinfo: string };
  /** Modules that this kernel does not have. */
  readonly missingModules: ReadonlySet<string>;
  /** Whether the kernel has iommufd and VFIO's device files; no Debian kernel has. */
  readonly hasIommufd: boolean;
  /** Whether `/dev/vfio/vfio` is made at boot, as systemd does it, and opening it loads the module. */
  readonly hasStaticNodes: boolean;
  /** See `MachineBuilder.overrideTakesLock()`. */
  readonly overrideTakesLock: boolean;
  /** Whether systemd runs it: `/run/systemd/system` is there. */
  readonly hasSystemd: boolean;
  /** Modules loaded at boot besides those of native drivers. */
  readonly bootModules: readonly string[];
}

/**
 * A Linux machine in memory: what the kernel keeps, what is on its disk, who runs on it.
 *
 * Programs see it through `open()`; tests look at it and meddle with it through everything else here.
 */
export class FakeMachine {
  readonly fs = new FakeFileSystem();
  readonly clock = new Clock();
  readonly faults = new Faults();
  readonly topology: Topology;
  readonly users: Users;
  readonly commands: Commands;
  readonly programs: Programs;
  /** Connections that were given away, each the giver's end. */
  readonly passed: Duplex[] = [];
  /** Every mutating operation of every program, in order, refused ones too. */
  readonly log: HostOperation[] = [];
  groups!: IommuGroups;
  bus!: PciBus;
  modules!: Modules;
  processes!: ProcessTable;
  locks!: Locks;
  systemd!: Systemd;
  #boots = 0;
  readonly #options: MachineOptions;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.topology = options.topology;
    this.users = options.users;
    this.commands = new Commands(this);
    this.programs = new Programs(this);
    this.#boot();
  }

  /** Starts a program as this user, root by default, and gives the `Host` it sees. */
  open(
    user: string | number = "root",
    options: { comm?: string; environment?: Readonly<Record<string, string>> } = {},
  ): FakeHost {
    const { uid, gid, groups } = this.users.credentials(user, 0);
    const process = this.processes.start({ uid, gid, groups, comm: options.comm ?? "hostdev" });
    return new FakeHost(this, process, options.environment ?? {});
  }

  /** Starts a process that just is there. */
  process(options: { user: string | number; comm: string; cmdline?: readonly string[]; memlock?: Limit }): FakeProcess {
    const { user, ...rest } = options;
    return this.processes.start({ ...rest, ...this.users.credentials(user, 0) });
  }

  /** Opens a group node as this process, as a QEMU does. @throws {KernelError} with the errno. */
  holdGroup(process: FakeProcess, group: number, options?: HoldOptions): GroupHolder {
    return this.groups.hold(process, group, options);
  }

  /** What `VFIO_GROUP_GET_STATUS` would say. */
  isViable(group: number): boolean {
    return this.groups.isViable(group);
  }

  /** A function as the kernel has it. */
  function(address: string): PciFunction {
    const fn = this.bus.functions.get(address);
    if (fn === undefined) throw new Error(`there is no ${address}`);
    return fn;
  }

  /** Another hand, root's: writes to a control file, at once. @throws {KernelError} with the errno. */
  write(path: string, value: string): void {
    this.fs.write(path, value, kernelCaller);
  }

  /** Another hand mounts a file system; see `MachineBuilder.mount()`. */
  mount(source: string, target: string, type: string, number = "0:99"): void {
    const { mounts } = this.#options;
    const id = 20 + mounts.mountinfo.split("\n").length;
    mounts.mounts += `${source} ${target} ${type} rw,relatime 0 0\n`;
    mounts.mountinfo += `${id} 1 ${number} / ${target} rw,relatime shared:1 - ${type} ${source} rw\n`;
  }

  /** Another hand rebinds a function: override, unbind, probe. `undefined`: no override, the native driver. */
  rebind(address: string, driver: string | undefined): void {
    const device = `/sys/bus/pci/devices/${address}`;
    this.write(`${device}/driver_override`, `${driver ?? ""}\n`);
    if (this.function(address).driver !== undefined) this.write(`${device}/driver/unbind`, address);
    this.write("/sys/bus/pci/drivers_probe", address);
  }

  /** Makes matching acts of programs fail; see `Fault`. */
  failOn(fault: Fault): void {
    this.faults.failOn(fault);
  }

  /** Lets another actor do something right before or after a matching act of a program; once, unless told. */
  on(
    when: "before" | "after",
    pattern: OperationPattern,
    act: (operation: HostOperation) => void,
    times?: number,
  ): void {
    this.faults.on(when, pattern, act, times);
  }

  /** Installs a command for `Host.run`. */
  command(name: string, model: CommandModel, options?: { readonly mutates?: boolean }): void {
    this.commands.add(name, model, options);
  }

  /** Installs a program for `Host.spawn`. */
  program(name: string, model: ProgramModel): void {
    this.programs.add(name, model);
  }

  /** Serves a unix socket. */
  listen(path: string, serve: (socket: Duplex) => void, process?: FakeProcess): void {
    this.programs.listen(path, serve, process);
  }

  /**
   * Starts the machine anew: processes, limits, nodes, links, modules and `/run` are gone, drivers are where native
   * probing puts them, the boot id is another. What is on the disk stays. `change` alters the hardware meanwhile.
   */
  reboot(change: (topology: Topology) => void = () => {}): void {
    for (const process of this.processes.all()) process.release();
    change(this.topology);
    this.clock.reboot();
    this.#boot();
  }

  /** Everything that a clean undo must bring back. */
  snapshot(): Snapshot {
    return takeSnapshot(this);
  }

  get bootId(): string {
    return `00000000-0000-4000-8000-${String(this.#boots).padStart(12, "0")}`;
  }

  #boot(): void {
    this.#boots += 1;
    const { fs } = this;
    fs.add("/sys", pseudoDirectory());
    fs.add("/dev", plainDirectory());
    fs.add("/run", plainDirectory());
    fs.add("/run/systemd/journal/socket", { kind: "socket", mode: 0o666, uid: 0, gid: 0 });
    fs.add("/dev/null", { kind: "character-device", mode: 0o666, uid: 0, gid: 0 });
    this.processes = new ProcessTable(() => this.clock.ticks, this.#options.mounts);
    this.locks = new Locks(fs);
    if (this.#options.hasSystemd) fs.directory("/run/systemd/system");
    this.systemd = new Systemd(fs);
    addProcFiles(this, this.#options.memoryBytes);
    for (const name of [
      "class/net",
      "class/block",
      "class/iommu",
      "class/drm",
      "block",
      "dev/block",
      "kernel/iommu_groups",
      "module",
    ]) {
      fs.directory(`/sys/${name}`);
    }
    if (this.topology.hasIommu) {
      fs.directory("/sys/devices/virtual/iommu/dmar0/devices");
      fs.link("/sys/class/iommu/dmar0", "/sys/devices/virtual/iommu/dmar0");
      const registers = { address: "fed90000", cap: "d2008c222f0686", ecap: "f0105a", version: "1:0" }; // ecap bit 3: interrupt remapping
      for (const [name, text] of Object.entries(registers)) {
        fs.add(`/sys/devices/virtual/iommu/dmar0/intel-iommu/${name}`, attribute(text));
      }
    }
    this.#makeBus();
    for (const [path, text] of this.#options.pseudoFiles)
      fs.add(
        path,
        attribute(() => text),
      );
  }

  #makeBus(): void {
    const drivers = driversFor(this.topology);
    this.groups = new IommuGroups(this.fs);
    this.bus = new PciBus({
      fs: this.fs,
      groups: this.groups,
      sriov: { create: (fn, count) => this.topology.virtuals(fn, count, this.groups.numbers()) },
      cdevs: this.#options.hasIommufd ? new VfioCdevs(this.fs) : undefined,
      overrideTakesLock: this.#options.overrideTakesLock,
    });
    this.modules = new Modules(
      { fs: this.fs, bus: this.bus, groups: this.groups, drivers },
      this.#options.missingModules,
    );
    const native = drivers.filter((each) => each.kind === "native").flatMap((each) => each.module ?? []);
    for (const module of [...native, ...this.#options.bootModules])
      if (this.modules.exists(module)) this.modules.load(module);
    if (this.#options.hasStaticNodes) this.modules.makeStaticNode();
    for (const fn of this.topology.enumerate()) this.bus.addFunction(fn);
  }
}
