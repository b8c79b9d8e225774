// SPDX-License-Identifier: Apache-2.0

/** The errors of a session that several of its parts raise. */
import type { ErrorDetails } from "../core/error-details.ts";
import { HostdevError } from "../core/errors.ts";

/** There is no domain of that name, uuid or id. */
export function noDomain(domain: string | number): HostdevError<"HD_NO_DOMAIN"> {
  return new HostdevError("HD_NO_DOMAIN", `There is no domain ${JSON.stringify(domain)}`, { domain: String(domain) });
}

/** A name or uuid is taken. */
export function domainExists(domain: string, uuid: string, state = "exists already"): HostdevError<"HD_DOMAIN_EXISTS"> {
  return new HostdevError("HD_DOMAIN_EXISTS", `Domain "${domain}" ${state}, with uuid ${uuid}`, { domain, uuid });
}

/** The domain is not in the state that the act needs. */
export function wrongState(
  act: string,
  domain: string,
  state: string,
  wanted: string,
): HostdevError<"HD_DOMAIN_STATE"> {
  const message = `Cannot ${act} domain "${domain}": it is ${state}`;
  return new HostdevError("HD_DOMAIN_STATE", message, { domain, state, wanted });
}

/** The guest has no such device. */
export function noGuestDevice(domain: string, device: string): HostdevError<"HD_NO_GUEST_DEVICE"> {
  return new HostdevError("HD_NO_GUEST_DEVICE", `Domain "${domain}" has no ${device}`, { domain, device });
}

/** The guest has the device already. */
export function guestDeviceExists(domain: string, device: string): HostdevError<"HD_GUEST_DEVICE_EXISTS"> {
  const message = `Cannot attach ${device} to domain "${domain}": it has it already`;
  return new HostdevError("HD_GUEST_DEVICE_EXISTS", message, { domain, device });
}

/** The guest's system does not let a device go. */
export function unplugRejected(domain: string, alias: string): HostdevError<"HD_UNPLUG_REJECTED"> {
  const message = `Cannot detach ${alias} from domain "${domain}": the guest refuses to let it go`;
  return new HostdevError("HD_UNPLUG_REJECTED", message, { domain, alias });
}

/** Somebody has the console. */
export function consoleBusy(domain: string, console: string): HostdevError<"HD_CONSOLE_BUSY"> {
  const message = `Cannot open ${console} of domain "${domain}": somebody else has it`;
  return new HostdevError("HD_CONSOLE_BUSY", message, { domain, console });
}

const agentStates = {
  "not-connected": "it is not connected",
  silent: "it does not answer",
  gone: "it went away before it answered",
  busy: "it has not finished an earlier command",
} as const;

/** The agent in the guest does not answer. */
export function agentUnresponsive(
  domain: string,
  reason: ErrorDetails["HD_AGENT_UNRESPONSIVE"]["reason"],
): HostdevError<"HD_AGENT_UNRESPONSIVE"> {
  const message = `Cannot ask the guest agent of domain "${domain}": ${agentStates[reason]}`;
  return new HostdevError("HD_AGENT_UNRESPONSIVE", message, { domain, reason });
}

/** The agent does not do what it was told. */
export function agentRefuses(
  domain: string,
  command: string,
  failure: { readonly class?: string; readonly desc?: string },
): HostdevError<"HD_AGENT_COMMAND"> {
  const description = failure.desc ?? "no reason given";
  const message = `The guest agent of domain "${domain}" refuses ${command}: ${description}`;
  return new HostdevError("HD_AGENT_COMMAND", message, {
    domain,
    command,
    class: failure.class ?? "GenericError",
    description,
  });
}

/** There is no way to an agent. */
export function noAgent(domain: string): HostdevError<"HD_NO_AGENT"> {
  const message = `Cannot ask the guest agent of domain "${domain}": it has no channel to one`;
  return new HostdevError("HD_NO_AGENT", message, { domain });
}

/** The domain has no such metadata. */
export function noMetadata(domain: string, what: string): HostdevError<"HD_NO_METADATA"> {
  return new HostdevError("HD_NO_METADATA", `Domain "${domain}" has no ${what}`, { domain });
}

/** The domain's NVRAM file would be left behind. */
export function nvramKept(domain: string, path: string): HostdevError<"HD_NVRAM_KEPT"> {
  const message = `Cannot undefine domain "${domain}": it has an NVRAM file, ${path}`;
  return new HostdevError("HD_NVRAM_KEPT", message, { domain, path });
}

/** A file of the store says something else than what we write. */
export function storeInvalid(path: string, reason: string, cause?: unknown): HostdevError<"HD_STORE_INVALID"> {
  const options = cause === undefined ? {} : { cause };
  return new HostdevError("HD_STORE_INVALID", `Cannot use ${path}: ${reason}`, { path }, options);
}
