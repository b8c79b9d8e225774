// SPDX-License-Identifier: Apache-2.0

/** A function that a grant covers, as far as the checks must know; they do not read grants themselves. */
export interface GrantedEndpoint {
  readonly address: string;
  readonly role: "give" | "hold";
  /** The grant's id. */
  readonly grant: string;
  readonly user: string;
}
