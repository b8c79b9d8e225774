// SPDX-License-Identifier: Apache-2.0
import type { ErrorCategory } from "../../core/error-category.ts";
import type { ErrorCode, ErrorDetails } from "../../core/error-details.ts";
import { type HostdevError, isHostdevError, toHostdevError } from "../../core/errors.ts";
import { type ErrorPayload, errorCode, errorDomain, libvirtError, toErrorPayload } from "../../rpc/error-payload.ts";

/** A number of libvirt's, where it comes from, and what libvirt puts before texts of that number. */
type Kind = readonly [number: number, domain: number, prefix: string];

const { qemu, domain: domainXml, nodeDevice } = errorDomain;
const invalidStateKind: Kind = [errorCode.operationInvalid, qemu, "Requested operation is not valid: "];
const failed: Kind = [errorCode.operationFailed, qemu, "operation failed: "];
const xmlError: Kind = [errorCode.xml, domainXml, "XML error: "];
const denied: Kind = [errorCode.accessDenied, qemu, "access denied: "];

const byCategory: Readonly<Record<ErrorCategory, Kind>> = {
  "invalid-argument": [errorCode.invalidArgument, qemu, "invalid argument: "],
  "not-found": failed,
  "failed-precondition": invalidStateKind,
  "permission-denied": denied,
  "resource-exhausted": failed,
  conflict: failed,
  unavailable: failed,
  unsupported: [errorCode.operationUnsupported, qemu, "Operation not supported: "],
  protocol: [errorCode.internal, qemu, "internal error: "],
  internal: [errorCode.internal, qemu, "internal error: "],
};

/** libvirt's words for why an agent does not answer. */
const agentReasons: Readonly<Record<ErrorDetails["HD_AGENT_UNRESPONSIVE"]["reason"], string>> = {
  "not-connected": "QEMU guest agent is not connected",
  silent: "Guest agent not available for now",
  gone: "Guest agent disappeared while executing command",
  busy: "another command of the guest agent is not over",
};

/** Errors for which libvirt has a number of its own, with the text that it gives them. */
type Text<C extends ErrorCode> = (details: ErrorDetails[C], message: string) => string;
type Special = { readonly [C in ErrorCode]?: readonly [kind: Kind, text?: Text<C>] };
const special: Special = {
  HD_NO_DOMAIN: [[errorCode.noDomain, qemu, "Domain not found: "], ({ domain }) => `no domain with matching ${domain}`],
  HD_DOMAIN_EXISTS: [
    [errorCode.operationFailed, domainXml, "operation failed: "],
    ({ domain, uuid }) => `domain '${domain}' already exists with uuid ${uuid}`,
  ],
  HD_DOMAIN_STATE: [invalidStateKind, describeState],
  HD_NO_GUEST_DEVICE: [[errorCode.deviceMissing, qemu, "device not found: "]],
  HD_GUEST_DEVICE_EXISTS: [invalidStateKind],
  HD_CONSOLE_BUSY: [failed, () => "Active console session exists for this domain"],
  HD_AGENT_UNRESPONSIVE: [[86, qemu, "Guest agent is not responding: "], ({ reason }) => agentReasons[reason]],
  HD_NO_AGENT: [
    [errorCode.argumentUnsupported, qemu, "argument unsupported: "],
    () => "QEMU guest agent is not configured",
  ],
  HD_AGENT_COMMAND: [
    [errorCode.internal, qemu, "internal error: "],
    ({ command, description }) => `unable to execute QEMU agent command '${command}': ${description}`,
  ],
  HD_NO_METADATA: [
    [errorCode.noMetadata, domainXml, "metadata not found: "],
    () => "Requested metadata element is not present",
  ],
  HD_NVRAM_KEPT: [invalidStateKind, () => "cannot undefine domain with nvram"],
  HD_XML_SYNTAX: [xmlError],
  HD_XML_LIMIT: [xmlError],
  HD_DOMAIN_INVALID: [xmlError],
  HD_DOMAIN_UNSUPPORTED: [[errorCode.configUnsupported, qemu, "unsupported configuration: "]],
  HD_DEVICE_NOT_FOUND: [
    [errorCode.noNodeDevice, nodeDevice, "Node device not found: "],
    ({ device }) => `no node device with matching name '${device}'`,
  ],
  HD_QMP_COMMAND: [
    [errorCode.internal, qemu, "internal error: "],
    ({ command, description }) => `unable to execute QEMU command '${command}': ${description}`,
  ],
};

/** Errors whose own text already says all that libvirt's clients look for; a hint of ours would only be noise. */
const withoutHint: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["HD_NO_DOMAIN", "HD_DOMAIN_EXISTS", "HD_DOMAIN_STATE", "HD_NO_METADATA", "HD_NO_GUEST_DEVICE"] as const),
  ...(["HD_GUEST_DEVICE_EXISTS", "HD_CONSOLE_BUSY", "HD_DEVICE_NOT_FOUND", "HD_NVRAM_KEPT"] as const),
  ...(["HD_AGENT_UNRESPONSIVE", "HD_NO_AGENT"] as const),
]);

/**
 * What a client is told of an error: libvirt's number, domain and beginning of the text, so that programs which look
 * at those go on working, then what has happened, its causes, and what to do about it. Pure.
 */
export function toLibvirtPayload(thrown: unknown): ErrorPayload {
  if (isHostdevError(thrown, "HD_LIBVIRT_ERROR")) return toErrorPayload(thrown);
  const error = toHostdevError(thrown);
  const [kind = byCategory[error.category], text] = specialOf(error);
  const hint = withoutHint.has(error.code) || error.hint === undefined ? "" : `. ${error.hint}`;
  const [number, domain, prefix] = kind;
  return toErrorPayload(libvirtError(number, domain, prefix, `${text ?? error.message}${hint}`));
}

function specialOf(error: HostdevError): readonly [kind?: Kind, text?: string] {
  const [kind, text] = (special[error.code] ?? []) as readonly [
    kind?: Kind,
    text?: (details: unknown, message: string) => string,
  ];
  if (kind === undefined) return [];
  return text === undefined ? [kind] : [kind, text(error.details, error.message)];
}

/** In libvirt's words, which scripts look for. */
function describeState({ state, wanted }: ErrorDetails["HD_DOMAIN_STATE"], message: string): string {
  if (/the definition of domain/.test(message)) return "transient domains do not have any persistent config";
  if (/^Cannot mark/.test(message)) return "cannot set autostart for transient domain";
  if (/^Cannot rename/.test(message)) return "cannot rename active domain";
  if (/^(running|paused)/.test(wanted)) return "domain is not running";
  if (/shut ?off|inactive|^not running/.test(wanted)) return "domain is already running";
  return `domain is ${state}`;
}

/** The call is known, but never does anything here. */
export function notSupported(what: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  const prefix = "this function is not supported by the connection driver: ";
  return libvirtError(errorCode.noSupport, qemu, prefix, what);
}

/** An argument has a value that the call does not take. */
export function invalidArgument(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(errorCode.invalidArgument, qemu, "invalid argument: ", text);
}

/** The domain is not as the call needs it. */
export function invalidState(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(...invalidStateKind, text);
}

/** The domain has, or is, something for which it cannot be done. */
export function operationUnsupported(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(...byCategory.unsupported, text);
}

/** A part of the domain's configuration is in the way. */
export function configUnsupported(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(errorCode.configUnsupported, qemu, "unsupported configuration: ", text);
}

/** A value is known, and not to be had here. */
export function argumentUnsupported(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(errorCode.argumentUnsupported, qemu, "argument unsupported: ", text);
}

/** Something took too long; whether it still happens is open. */
export function operationTimeout(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(errorCode.operationTimeout, qemu, "Timed out during operation: ", text);
}

/** It was tried, and did not do. */
export function operationFailed(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(...failed, text);
}

/** What libvirt calls an internal error. */
export function internalError(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(...byCategory.internal, text);
}

/** libvirt's error for flags that a call does not know (`virCheckFlags`). */
export function checkFlags(flags: number, allowed: number): void {
  const unknown = (flags & ~allowed) >>> 0;
  if (unknown !== 0) throw invalidArgument(`unsupported flags (0x${unknown.toString(16)})`);
}

/** The user may not do this; `text` says who may. */
export function accessDenied(text: string): HostdevError<"HD_LIBVIRT_ERROR"> {
  return libvirtError(...denied, text);
}
