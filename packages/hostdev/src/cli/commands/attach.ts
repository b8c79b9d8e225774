// SPDX-License-Identifier: Apache-2.0
import { deviceVerb } from "../domain/device-verb.ts";

/** `hostdev attach VM DEVICE`. */
export const attachVerb = deviceVerb({
  name: "attach",
  summary: "plug a device into a VM",
  description:
    "Gives a VM one more disk, network interface or device of the host. A running guest needs a free port for it.",
  help: `
Examples:
  hostdev attach vm 01:00.0             a PCI device that is lent to you, into the running guest
  hostdev attach vm disk.xml --config   what the file describes, at the next start
  hostdev attach vm nic.xml --live --config`,
  act: (client, domain, xml, flags) => client.call("domainAttachDeviceFlags", { domain, xml, flags }),
  done: "has the device",
});
