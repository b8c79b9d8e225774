// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Domain } from "../domain/domain.ts";

/**
 * Refuses what a VM of an ordinary user cannot have yet, though it can be turned into arguments.
 *
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED`, naming the element.
 */
export function assertRunnable({ onPoweroff, onCrash }: Domain): void {
  const refuse = (element: string, supported: string): never => {
    const message = `Cannot run the VM: ${element} is not supported yet`;
    throw new HostdevError("HD_DOMAIN_UNSUPPORTED", message, { element, supported });
  };
  if (onPoweroff === "preserve") refuse(`<on_poweroff>${onPoweroff}`, "destroy or restart");
  if (onCrash?.startsWith("coredump") === true) refuse(`<on_crash>${onCrash}`, "destroy, restart or preserve");
}
