// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { domain, network, optionalString } from "./objects.ts";
import { type Infer, i32, optional, struct } from "./xdr.ts";

/** libvirt's error, as replies carry it (`remote_error`). Clients print `message` as it is. */
export const errorPayload = struct({
  code: i32,
  domain: i32,
  message: optionalString,
  level: i32,
  dom: optional(domain),
  str1: optionalString,
  str2: optionalString,
  str3: optionalString,
  int1: i32,
  int2: i32,
  net: optional(network),
});
export type ErrorPayload = Infer<typeof errorPayload>;

/** Numbers of errors (`virErrorNumber`) that a server sends or a client looks at. */
export const errorCode = {
  internal: 1,
  noSupport: 3,
  noConnection: 5,
  invalidArgument: 8,
  operationFailed: 9,
  xml: 27,
  operationDenied: 29,
  system: 38,
  rpc: 39,
  noDomain: 42,
  noNetwork: 43,
  noStoragePool: 49,
  noStorageVolume: 50,
  noNodeDevice: 53,
  operationInvalid: 55,
  noInterface: 57,
  configUnsupported: 67,
  operationTimeout: 68,
  argumentUnsupported: 74,
  noMetadata: 80,
  operationUnsupported: 84,
  accessDenied: 88,
  storageVolumeExists: 90,
  deviceMissing: 99,
} as const;

/** Where an error comes from (`virErrorDomain`). */
export const errorDomain = {
  none: 0,
  rpc: 7,
  qemu: 10,
  storage: 18,
  domain: 20,
  nodeDevice: 22,
  interface: 26,
  device: 49,
} as const;

/**
 * Makes an error as libvirt's own calls make it.
 *
 * @param prefix what libvirt puts before the text of errors with this number, such as `internal error: `.
 */
export function libvirtError(
  number: number,
  domain: number,
  prefix: string,
  detail: string,
): HostdevError<"HD_LIBVIRT_ERROR"> {
  return new HostdevError("HD_LIBVIRT_ERROR", `${prefix}${detail}`, { number, domain, prefix, detail });
}

/** The error for the wire. Source: libvirt `virReportErrorHelper`. Pure. */
export function toErrorPayload({ message, details }: HostdevError<"HD_LIBVIRT_ERROR">): ErrorPayload {
  const parts = { str1: `${details.prefix}%s`, str2: details.detail, str3: null };
  return {
    code: details.number,
    domain: details.domain,
    message,
    level: 2,
    dom: null,
    ...parts,
    int1: -1,
    int2: -1,
    net: null,
  };
}

/** The error that a daemon sent. */
export function fromErrorPayload({ code, domain, message, str2 }: ErrorPayload): HostdevError<"HD_LIBVIRT_ERROR"> {
  const whole = message ?? "no reason given";
  const detail = str2 !== null && whole.endsWith(str2) ? str2 : whole;
  return libvirtError(code, domain, whole.slice(0, whole.length - detail.length), detail);
}
