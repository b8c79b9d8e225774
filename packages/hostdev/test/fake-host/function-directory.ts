// SPDX-License-Identifier: Apache-2.0
import { commandRegister } from "./config-space.ts";
import type { FakeFileSystem } from "./fake-file-system.ts";
import { hex, idParts } from "./function-spec.ts";
import { KernelError } from "./kernel-error.ts";
import { type AttributeNode, attribute, type Caller, control, pseudoDirectory, tunable } from "./nodes.ts";
import type { PciFunction } from "./pci-function.ts";

/** What the files of a function's directory make the kernel do. */
export interface FunctionActions {
  setOverride(fn: PciFunction, value: string): void;
  readOverride(fn: PciFunction): string;
  setVirtualFunctions(fn: PciFunction, value: string): void;
  /** @param methods those that are enabled, in their order. */
  reset(fn: PciFunction, methods: readonly string[]): void;
  remove(fn: PciFunction): void;
}

/** Makes the directory of a function with its files, as drivers/pci/pci-sysfs.c does, and the links to it. */
export function addFunctionDirectory(fs: FakeFileSystem, fn: PciFunction, actions: FunctionActions): void {
  const directory = fs.add(fn.path, pseudoDirectory());
  for (const [name, node] of Object.entries(filesOf(fn, actions))) directory.children.set(name, node);
  fs.link(`${fn.path}/subsystem`, "/sys/bus/pci");
  fs.link(`/sys/bus/pci/devices/${fn.address}`, fn.path);
  if (fn.physical !== undefined) {
    fs.link(`${fn.path}/physfn`, fn.physical.path);
    fs.link(`${fn.physical.path}/virtfn${fn.physical.virtuals.indexOf(fn)}`, fn.path);
  }
}

/** Takes the directory and the links away. */
export function removeFunctionDirectory(fs: FakeFileSystem, fn: PciFunction): void {
  fs.remove(`/sys/bus/pci/devices/${fn.address}`);
  if (fn.physical !== undefined) fs.remove(`${fn.physical.path}/virtfn${fn.physical.virtuals.indexOf(fn)}`);
  fs.remove(fn.path);
}

function filesOf(fn: PciFunction, actions: FunctionActions): Record<string, AttributeNode> {
  const { spec } = fn;
  const ids = idParts(fn.ids);
  const subsystem = idParts(spec.subsystem ?? "1af4:1100");
  return {
    vendor: attribute(`0x${hex(ids.vendor, 4)}`),
    device: attribute(`0x${hex(ids.device, 4)}`),
    subsystem_vendor: attribute(`0x${hex(subsystem.vendor, 4)}`),
    subsystem_device: attribute(`0x${hex(subsystem.device, 4)}`),
    class: attribute(`0x${spec.class ?? "020000"}`),
    revision: attribute(`0x${hex(spec.revision ?? 0, 2)}`),
    irq: attribute(String(spec.irq ?? 11)),
    numa_node: tunable(() => `${spec.numaNode ?? -1}\n`, refuse),
    local_cpulist: attribute("0-1"),
    modalias: attribute(fn.modalias),
    resource: attribute(resources(fn)),
    ari_enabled: attribute("0"),
    power_state: attribute(() => `${fn.powerState}\n`),
    enable: tunable(
      () => `${fn.isEnabled ? 1 : 0}\n`,
      () => {},
    ),
    uevent: tunable(
      () => fn.uevent,
      () => {},
    ),
    config: {
      ...attribute((caller) => readableConfig(fn, caller), 0o644),
      sizeBytes: fn.config.length,
      write: refuse,
      writeAt: (offset, bytes) => writeConfig(fn, offset, bytes),
    },
    driver_override: tunable(
      () => actions.readOverride(fn),
      (value) => actions.setOverride(fn, value),
    ),
    ...(fn.physical === undefined ? hotplugFiles(fn, actions) : {}),
    ...((spec.pcie ?? true) ? linkFiles : {}),
    ...(fn.isBridge ? bridgeFiles(fn) : {}),
    ...(fn.resetMethods.length > 0 ? resetFiles(fn, actions) : {}),
    ...(spec.vpd === undefined ? {} : { vpd: attribute(() => spec.vpd ?? new Uint8Array(), 0o600) }),
    ...(spec.vfs === undefined ? {} : sriovFiles(fn, actions)),
    ...(spec.class?.startsWith("0300") === true ? { boot_vga: attribute(spec.bootVga === true ? "1" : "0") } : {}),
  };
}

/** Virtual functions lack them (`pci_dev_hp_attrs_are_visible`): only `sriov_numvfs` removes those. */
function hotplugFiles(fn: PciFunction, actions: FunctionActions): Record<string, AttributeNode> {
  return {
    remove: control((value) => (Number(value) === 0 ? undefined : actions.remove(fn)), 0o220),
    rescan: control(() => {}),
  };
}

/** Every function with a PCI Express capability has them, and no other (`pcie_dev_attrs_are_visible`). */
const linkFiles: Record<string, AttributeNode> = {
  max_link_speed: attribute("2.5 GT/s PCIe"),
  max_link_width: attribute("1"),
  current_link_speed: attribute("2.5 GT/s PCIe"),
  current_link_width: attribute("1"),
};

/** `pci_read_config`: past the 64-byte header only for `CAP_SYS_ADMIN`, whatever the file's mode says. */
function readableConfig(fn: PciFunction, caller: Caller): Uint8Array {
  return caller.uid === 0 ? fn.config.slice() : fn.config.slice(0, 64);
}

/** Of the header the kernel lets the device decide what sticks: the command register does, ids and class do not. */
function writeConfig(fn: PciFunction, offset: number, bytes: Uint8Array): void {
  for (const [index, byte] of bytes.entries()) {
    const at = offset + index;
    const isGone = fn.config[0x0e] === 0xff;
    if (!isGone && (at === commandRegister || at === commandRegister + 1)) fn.config[at] = byte;
  }
}

function bridgeFiles(fn: PciFunction): Record<string, AttributeNode> {
  const { secondary = 0, subordinate = secondary } = fn.spec.bridge ?? {};
  return { secondary_bus_number: attribute(String(secondary)), subordinate_bus_number: attribute(String(subordinate)) };
}

function resetFiles(fn: PciFunction, actions: FunctionActions): Record<string, AttributeNode> {
  let methods = fn.resetMethods.join(" ");
  return {
    reset: control((value) => {
      if (value.trim() !== "1") throw new KernelError("EINVAL");
      actions.reset(
        fn,
        methods.split(" ").filter((name) => name !== ""),
      );
    }),
    reset_method: tunable(
      () => `${methods}\n`,
      (value) => {
        const wanted = value.trim() === "default" ? fn.resetMethods : value.split(/\s+/).filter((name) => name !== "");
        if (wanted.some((name) => !fn.resetMethods.includes(name))) throw new KernelError("EINVAL");
        methods = wanted.join(" ");
      },
    ),
  };
}

function sriovFiles(fn: PciFunction, actions: FunctionActions): Record<string, AttributeNode> {
  const { total = 0, offset = 128, stride = 2, ids = "" } = fn.spec.vfs ?? {};
  return {
    sriov_totalvfs: attribute(String(total)),
    sriov_numvfs: tunable(
      () => `${fn.virtuals.length}\n`,
      (value) => actions.setVirtualFunctions(fn, value),
    ),
    sriov_offset: attribute(String(offset)),
    sriov_stride: attribute(String(stride)),
    sriov_vf_device: attribute(ids.slice(5)),
    sriov_drivers_autoprobe: tunable(
      () => `${fn.probesVirtuals ? 1 : 0}\n`,
      (value) => {
        fn.probesVirtuals = !value.startsWith("0");
      },
    ),
  };
}

function resources(fn: PciFunction): string {
  const none = "0x0000000000000000 0x0000000000000000 0x0000000000000000";
  const first = "0x00000000febc0000 0x00000000febdffff 0x0000000000040200";
  const count = fn.isBridge ? 17 : 13;
  return Array.from({ length: count }, (_, index) => (index === 0 && !fn.isBridge ? first : none)).join("\n");
}

function refuse(): never {
  throw new KernelError("EINVAL", "the fake does not model writing here");
}
