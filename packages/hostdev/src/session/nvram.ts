// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { nvramFile } from "../qemu/arguments.ts";
import { capabilitiesOf, oldestQemu } from "../qemu/capabilities.ts";
import { sessionEnvironment } from "./session-environment.ts";

/** The file with the firmware's variables of a domain; `undefined` when it has none. Pure but for `Host.environment`. */
export function nvramPathOf(host: Host, domain: Domain): string | undefined {
  if (domain.os.firmware === undefined && domain.os.loader?.type !== "pflash") return undefined;
  try {
    // Where the file is does not depend on what the emulator can do.
    const place = { capabilities: capabilitiesOf(oldestQemu), emulator: "", directory: "", monitorPath: "" };
    return nvramFile(domain, sessionEnvironment(host, place))?.path;
  } catch {
    return undefined; // no firmware here fits the domain, so it has never run
  }
}
