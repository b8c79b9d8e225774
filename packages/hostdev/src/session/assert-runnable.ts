// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Domain } from "../domain/domain.ts";

/**
 * Refuses what `run` cannot give a VM yet, though it can be turned into arguments: what needs programs beside QEMU,
 * or resources that have to be picked at the start.
 *
 * @throws {HostdevError} `HD_DOMAIN_UNSUPPORTED`, naming the element.
 */
export function assertRunnable({ devices, onPoweroff, onCrash }: Domain): void {
  const refuse = (element: string, supported: string): never => {
    const message = `Cannot run the VM: ${element} is not supported yet`;
    throw new HostdevError("HD_DOMAIN_UNSUPPORTED", message, { element, supported });
  };
  if (onPoweroff !== undefined && onPoweroff !== "destroy") refuse(`<on_poweroff>${onPoweroff}`, "destroy");
  if (onCrash !== undefined && onCrash !== "destroy") refuse(`<on_crash>${onCrash}`, "destroy");
  for (const card of devices.interfaces) {
    const isSlirp =
      card.type === "user" && (card as { readonly backend?: { readonly type?: string } }).backend?.type !== "passt";
    if (!isSlirp) refuse(`<interface type='${card.type}'>`, "<interface type='user'> without passt");
  }
  if (devices.tpms.some((tpm) => tpm.backend?.type === "emulator")) refuse("<tpm> with an emulator", "no <tpm>");
  if (devices.filesystems.some((one) => one.driver?.type === "virtiofs" && one.source.socket === undefined))
    refuse("<filesystem> by virtiofs", "one by 9p, or a virtiofsd of your own with <source socket='...'/>");
}
