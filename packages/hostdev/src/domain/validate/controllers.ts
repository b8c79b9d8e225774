// SPDX-License-Identifier: Apache-2.0
import { invalid, unsupported } from "../../xml/complaint.ts";
import { controllersOf } from "../controllers.ts";
import type { Domain } from "../domain.ts";
import { chipsetOf } from "../machine.ts";

/** Refuses controllers that the machine does not have. */
export function validateControllers(domain: Domain): void {
  for (const usb of controllersOf(domain, "usb")) {
    const isXhci = usb.model === "nec-xhci" || usb.model === "qemu-xhci";
    if (usb.ports !== undefined && !isXhci)
      throw invalid(usb, `a controller of model ${usb.model} has a fixed number of ports`);
    if ((usb.ports ?? 0) > 15)
      throw invalid(usb, `a controller of model ${usb.model} has at most 15 ports, not ${usb.ports}`);
  }
  validateUsbFamilies(domain);
  const cells = domain.cpu?.numa?.cells.length ?? 0;
  for (const controller of controllersOf(domain, "pci")) {
    const { model, target, index } = controller;
    const isRoot = model === "pci-root" || model === "pcie-root";
    if (isRoot !== (index === 0))
      throw invalid(controller, `a pci controller of model ${model} cannot have index ${index}`);
    if (isRoot && (model === "pcie-root") !== (chipsetOf(domain) === "q35"))
      throw invalid(controller, `machine ${domain.os.type.machine} has no ${model}`);
    const node = target?.node;
    if (node !== undefined && node >= cells)
      throw invalid(controller, `there is no NUMA cell ${node}; the guest has ${cells}`);
    if (node !== undefined && model !== "pci-expander-bus" && model !== "pcie-expander-bus")
      throw invalid(controller, "<node> is for expander buses");
    if (controller.pciHole64KiB !== undefined && !isRoot) throw invalid(controller, "<pcihole64> is for the root bus");
  }
  const indexes = new Set<string>();
  for (const controller of domain.devices.controllers) {
    if (controller.type === "usb" || controller.type === "pci") continue;
    const key = `${controller.type} ${controller.index}`;
    if (indexes.has(key))
      throw invalid(controller, `there are two ${controller.type} controllers with index ${controller.index}`);
    indexes.add(key);
  }
  if (chipsetOf(domain) === "q35") {
    const [ide] = controllersOf(domain, "ide");
    const disk = domain.devices.disks.find((candidate) => candidate.target.bus === "ide");
    if (disk !== undefined ? true : ide !== undefined) {
      throw unsupported(disk ?? ide ?? domain, "machine q35 has no IDE controller", "bus sata, scsi, virtio or usb");
    }
  }
}

/** Controllers of one index are one controller for fast devices with its companions for slow ones, on the same ports. */
function validateUsbFamilies(domain: Domain): void {
  const masters = new Map<number, string | undefined>();
  const all = controllersOf(domain, "usb");
  for (const usb of all) {
    const { index = 0, model } = usb;
    if (usb.masterStartPort !== undefined) continue;
    if (masters.has(index)) throw invalid(usb, `there are two usb controllers with index ${index}`);
    masters.set(index, model);
  }
  for (const usb of all) {
    if (usb.masterStartPort === undefined) continue;
    const master = masters.get(usb.index ?? 0);
    if (master !== "ich9-ehci1" && master !== "ehci")
      throw invalid(
        usb,
        `its master, the usb controller with index ${usb.index}, is ${master ?? "not there"}, not ehci`,
      );
  }
}
