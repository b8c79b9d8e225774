// SPDX-License-Identifier: Apache-2.0

/** Node's `crypto`, loaded when it is first needed: that takes 4 ms, which the start of a daemon need not wait for. */
export function nodeCrypto(): typeof import("node:crypto") {
  return process.getBuiltinModule("node:crypto");
}
