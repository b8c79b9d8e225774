// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../../core/errors.ts";
import { readDomain } from "../../domain/parse.ts";
import { describe, findLike, readDevice } from "../../session/hotplug/device-xml.ts";
import { deviceVerb } from "../domain/device-verb.ts";

/** `hostdev detach VM DEVICE`. */
export const detachVerb = deviceVerb({
  name: "detach",
  summary: "take a device out of a VM",
  description:
    "Takes a disk, network interface or device of the host out of a VM. A running guest is asked, and may refuse.",
  help: `
Exit status: 8 when the guest has not let the device go yet; it may do so later.

Examples:
  hostdev detach vm 01:00.0
  hostdev detach vm disk.xml --live --config`,
  act: async (client, domain, xml, flags) => {
    await client.call("domainDetachDeviceFlags", { domain, xml, flags });
    if (domain.id === -1 || flags === 2) return;
    // The protocol's answer is the same for "it is out" and "the guest was asked".
    const live = await client.call("domainGetXmlDesc", { domain, flags: 0 });
    const asked = readDevice(xml);
    if (findLike(readDomain(live.xml), asked) === undefined) return;
    const message = `The guest of VM "${domain.name}" was asked to let ${describe(asked)} go, and has not done so yet`;
    throw new HostdevError("HD_TIMEOUT", message, { what: describe(asked), timeoutMs: 5000 });
  },
  done: "has the device no more",
});
