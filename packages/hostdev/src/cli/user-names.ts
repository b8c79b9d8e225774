// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { findUser } from "../core/users.ts";

/** The names of these users, by uid; the number for one without a name. Asks for each only once, and never for root. */
export async function readUserNames(host: Host, uids: Iterable<number>): Promise<(uid: number) => string> {
  const names = new Map([[0, "root"]]);
  for (const uid of new Set(uids))
    if (!names.has(uid)) names.set(uid, (await findUser(host, uid))?.name ?? String(uid));
  return (uid) => names.get(uid) ?? String(uid);
}
