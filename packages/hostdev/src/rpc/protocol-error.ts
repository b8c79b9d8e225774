// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";

/** The error for what the other side of a connection should never send; nothing after it can be trusted. */
export function protocolError(reason: string): HostdevError<"HD_RPC_PROTOCOL"> {
  return new HostdevError("HD_RPC_PROTOCOL", `The other side does not speak libvirt's protocol: ${reason}`, { reason });
}
