// SPDX-License-Identifier: Apache-2.0
import type { HostdevError } from "../../core/errors.ts";
import { errorCode, errorDomain, libvirtError } from "../../rpc/error-payload.ts";

const { storage } = errorDomain;
type LibvirtError = HostdevError<"HD_LIBVIRT_ERROR">;

/** There is no such pool; `by` says how it was looked for. */
export function noPool(by: string): LibvirtError {
  return libvirtError(errorCode.noStoragePool, storage, "Storage pool not found: ", `no storage pool with ${by}`);
}

/** There is no such volume in a pool that is active. */
export function noVolume(by: string): LibvirtError {
  return libvirtError(errorCode.noStorageVolume, storage, "Storage volume not found: ", `no storage vol with ${by}`);
}

/** The pool or volume is not in the state that the act needs. */
export function invalidState(text: string): LibvirtError {
  return libvirtError(errorCode.operationInvalid, storage, "Requested operation is not valid: ", text);
}

/** It cannot be done beside what is there. */
export function failed(text: string): LibvirtError {
  return libvirtError(errorCode.operationFailed, storage, "operation failed: ", text);
}

/** The kernel refused; `reason` is its word. */
export function systemError(text: string, reason: string): LibvirtError {
  return libvirtError(errorCode.system, storage, "", `${text}: ${reason}`);
}

/** A program that works for us failed. */
export function internalError(text: string): LibvirtError {
  return libvirtError(errorCode.internal, storage, "internal error: ", text);
}

/** An argument has a value that does not go. */
export function invalidArgument(text: string): LibvirtError {
  return libvirtError(errorCode.invalidArgument, storage, "invalid argument: ", text);
}

/** The XML says what cannot be. */
export function xmlError(text: string): LibvirtError {
  return libvirtError(errorCode.xml, storage, "XML error: ", text);
}

/** libvirt has it, hostdev has not. */
export function unsupportedStorage(text: string): LibvirtError {
  return libvirtError(errorCode.configUnsupported, storage, "unsupported configuration: ", text);
}

/** There is a volume of that name. */
export function volumeExists(name: string): LibvirtError {
  return libvirtError(errorCode.storageVolumeExists, storage, "", `storage volume '${name}' exists already`);
}
