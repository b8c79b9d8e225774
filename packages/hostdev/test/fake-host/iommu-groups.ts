// SPDX-License-Identifier: Apache-2.0
import { managesDma } from "./drivers.ts";
import type { FakeFileSystem } from "./fake-file-system.ts";
import type { FakeProcess } from "./fake-process.ts";
import { KernelError } from "./kernel-error.ts";
import { attribute, tunable } from "./nodes.ts";
import type { PciFunction } from "./pci-function.ts";

/** How a process uses a group node. */
export interface HoldOptions {
  /** Puts the group into a container, thus takes its DMA; needs it viable (EPERM). Default true. */
  readonly claim?: boolean;
  /** The functions whose device file it opens. Default, with `claim`: all that are on a vfio driver. */
  readonly devices?: readonly string[];
}

/** A group node that a process has open, as a QEMU has. Ends with `close`, or with the process. */
export interface GroupHolder {
  readonly process: FakeProcess;
  readonly group: number;
  readonly claims: boolean;
  readonly devices: Set<string>;
  /** Closes the node's descriptor alone: the device files keep the group held, and `/proc` no longer tells of it. */
  hideNode(): void;
  close(): void;
}

interface Group {
  readonly number: number;
  readonly members: PciFunction[];
  holder: GroupHolder | undefined;
}

/** The IOMMU groups, their directories and nodes, and the kernel's rule of who owns a group's DMA. */
export class IommuGroups {
  readonly #fs: FakeFileSystem;
  readonly #groups = new Map<number, Group>();
  #onDeviceClosed: (fn: PciFunction) => void = () => {};

  constructor(fs: FakeFileSystem) {
    this.#fs = fs;
  }

  /** Called for each function whose device file has been closed: an unbind may be waiting for that. */
  onDeviceClosed(act: (fn: PciFunction) => void): void {
    this.#onDeviceClosed = act;
  }

  numbers(): readonly number[] {
    return [...this.#groups.keys()];
  }

  members(group: number): readonly PciFunction[] {
    return this.#groups.get(group)?.members ?? [];
  }

  /** Who has the group's node open. */
  holder(group: number): GroupHolder | undefined {
    return this.#groups.get(group)?.holder;
  }

  add(fn: PciFunction): void {
    if (fn.group === undefined) return;
    const path = `/sys/kernel/iommu_groups/${fn.group}`;
    let group = this.#groups.get(fn.group);
    if (group === undefined) {
      group = { number: fn.group, members: [], holder: undefined };
      this.#groups.set(fn.group, group);
      this.#fs.directory(`${path}/devices`);
      this.#fs.add(
        `${path}/type`,
        tunable(
          () => "DMA-FQ\n",
          () => {},
        ),
      );
      this.#fs.add(`${path}/reserved_regions`, attribute("0x00000000fee00000 0x00000000feefffff msi"));
    }
    group.members.push(fn);
    this.#fs.link(`${path}/devices/${fn.address}`, fn.path);
    this.#fs.link(`${fn.path}/iommu_group`, path);
    this.#fs.link(`${fn.path}/iommu`, "/sys/devices/virtual/iommu/dmar0");
    this.#fs.link(`/sys/devices/virtual/iommu/dmar0/devices/${fn.address}`, fn.path);
  }

  remove(fn: PciFunction): void {
    const group = fn.group === undefined ? undefined : this.#groups.get(fn.group);
    if (group === undefined) return;
    group.members.splice(group.members.indexOf(fn), 1);
    this.#fs.remove(`/sys/kernel/iommu_groups/${group.number}/devices/${fn.address}`);
    this.#fs.remove(`/sys/devices/virtual/iommu/dmar0/devices/${fn.address}`);
    if (group.members.length > 0) return;
    this.#groups.delete(group.number);
    this.#fs.remove(`/sys/kernel/iommu_groups/${group.number}`);
  }

  /** `VFIO_GROUP_FLAGS_VIABLE`: no member is with a driver that uses the kernel's own DMA domain. */
  isViable(group: number): boolean {
    return this.members(group).every((fn) => fn.driver === undefined || managesDma(fn.driver.kind));
  }

  /** Whether a user owns the group's DMA, so that native drivers are refused (`iommu_device_use_default_domain`). */
  isClaimed(group: number | undefined): boolean {
    return group !== undefined && this.holder(group)?.claims === true;
  }

  /** Makes the node appear with the first member on a vfio driver, and vanish with the last. */
  updateNode(group: number | undefined): void {
    if (group === undefined) return;
    const node = `/dev/vfio/${group}`;
    const wanted = this.members(group).some((fn) => fn.driver?.kind === "vfio");
    const present = this.#fs.find(node) !== undefined;
    if (wanted && !present) {
      const open = () => (this.holder(group) === undefined ? undefined : "EBUSY");
      this.#fs.add(node, { kind: "character-device", mode: 0o600, uid: 0, gid: 0, open });
      this.#fs.directory(`/sys/devices/virtual/vfio/${group}`);
      this.#fs.link(`/sys/class/vfio/${group}`, `/sys/devices/virtual/vfio/${group}`);
    } else if (!wanted && present) {
      this.#fs.remove(node);
      this.#fs.remove(`/sys/class/vfio/${group}`);
      this.#fs.remove(`/sys/devices/virtual/vfio/${group}`);
      // vfio_device_remove_group() detaches the container; an open descriptor is left without any effect.
      this.holder(group)?.process.markDeleted(node);
      const found = this.#groups.get(group);
      if (found !== undefined) found.holder = undefined;
    }
  }

  /** Opens the node as this process, with its rights. @throws {KernelError} ENOENT, EACCES, EBUSY, EPERM. */
  hold(process: FakeProcess, group: number, options: HoldOptions = {}): GroupHolder {
    const path = `/dev/vfio/${group}`;
    this.#open(path, process);
    const found = this.#groups.get(group);
    if (found === undefined) throw new KernelError("ENODEV");
    const claims = options.claim ?? true;
    if (claims) this.#open("/dev/vfio/vfio", process);
    if (claims && !this.isViable(group)) throw new KernelError("EPERM");
    const onVfio = found.members.filter((fn) => fn.driver?.kind === "vfio").map((fn) => fn.address);
    const devices = new Set(claims ? (options.devices ?? onVfio) : []);
    const fds = [process.open(path), ...(claims ? [process.open("/dev/vfio/vfio")] : [])];
    for (const _ of devices) fds.push(process.open("anon_inode:[vfio-device]"));
    const close = () => {
      for (const fd of fds.splice(0)) process.close(fd);
      if (found.holder !== holder) return;
      found.holder = undefined;
      for (const fn of found.members.filter((member) => devices.has(member.address))) {
        fn.isOpen = false;
        this.#onDeviceClosed(fn);
      }
    };
    const hideNode = () => process.close(fds.shift() ?? -1);
    const holder: GroupHolder = { process, group, claims, devices, hideNode, close };
    found.holder = holder;
    for (const fn of found.members) fn.isOpen = devices.has(fn.address);
    process.atEnd(close);
    return holder;
  }

  #open(path: string, process: FakeProcess): void {
    const errno = this.#fs.tryOpen(path, process.caller);
    if (errno !== undefined) throw new KernelError(errno, `${process.comm} cannot open ${path}: ${errno}`);
  }
}
