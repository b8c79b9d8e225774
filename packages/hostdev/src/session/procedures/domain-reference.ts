// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import type { DomainReference as WireReference } from "../../rpc/objects.ts";
import type { Session, SessionDomain } from "../session-api.ts";
import type { DomainReference } from "../session-events.ts";

/** A domain as the protocol names it. Pure. */
export function toWire({ name, uuid, id }: DomainReference): WireReference {
  return { name, uuid: uuidBytes(uuid), id };
}

/** The 16 bytes of a UUID. Pure. */
export function uuidBytes(uuid: string): Uint8Array {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

/** A UUID out of its 16 bytes. Pure. */
export function formatUuid(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The domain that a call is about: by its UUID, since clients' names and ids may be old. @throws `HD_NO_DOMAIN`. */
export function findDomain(session: Session, { uuid }: WireReference): SessionDomain {
  return session.byUuid(formatUuid(uuid));
}
