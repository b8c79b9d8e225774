// SPDX-License-Identifier: Apache-2.0

/** The list of controllers: finding one, putting one in its place. */
import type { Controller, ControllerOf, ControllerType } from "./devices/controller.ts";
import type { Domain } from "./domain.ts";

/** The controllers of one type, in their order. */
export function controllersOf<T extends ControllerType>(domain: Domain, type: T): ControllerOf<T>[] {
  return domain.devices.controllers.filter((controller): controller is ControllerOf<T> => controller.type === type);
}

/** The controller of that type and index. */
export function findController<T extends ControllerType>(
  domain: Domain,
  type: T,
  index: number,
): ControllerOf<T> | undefined {
  return domain.devices.controllers.find(
    (controller): controller is ControllerOf<T> => controller.type === type && controller.index === index,
  );
}

/** Puts a controller before the first of its type with a higher index; a master before its companions. */
export function insertController(controllers: Controller[], added: Controller): void {
  const isCompanion = (c: Controller) => c.type === "usb" && c.masterStartPort !== undefined;
  let place = controllers.length;
  for (const [at, present] of controllers.entries()) {
    if (present.type !== added.type) continue;
    const higher = (present.index ?? 0) > (added.index ?? 0);
    const sameIndex = present.index === added.index;
    if (higher || (sameIndex && isCompanion(present) && !isCompanion(added))) {
      place = at;
      break;
    }
    place = at + 1;
  }
  controllers.splice(place, 0, added);
}

/** Makes sure that a controller of that type and index exists. */
export function ensureController(domain: Domain, added: Controller): boolean {
  if (findController(domain, added.type, added.index ?? 0) !== undefined) return false;
  insertController(domain.devices.controllers, added);
  return true;
}

/** How many buses are between a bus and the root; `undefined` when it is behind itself. */
export function pciDepth(domain: Domain, controller: ControllerOf<"pci">): number | undefined {
  let depth = 0;
  for (let at: ControllerOf<"pci"> | undefined = controller; at?.address?.type === "pci"; depth++) {
    if (depth > 256) return undefined;
    at = findController(domain, "pci", at.address.bus);
  }
  return depth;
}
