// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "./errors.ts";
import type { Host } from "./host.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/**
 * Looks a user up by name or uid, wherever this machine keeps its users (files, LDAP, ...): asks `getent`.
 *
 * Needs: nothing. @returns `undefined` when there is none.
 */
export async function findUser(host: Host, nameOrUid: string | number): Promise<User | undefined> {
  const { status, stdout } = await host.run("getent", ["passwd", "--", String(nameOrUid)]);
  const [name, , uid, gid] = stdout.split("\n")[0]?.split(":") ?? [];
  if (status !== 0 || name === undefined || uid === undefined || gid === undefined) return undefined;
  return { name, uid: Number(uid), gid: Number(gid) };
}

/**
 * Looks up the user that something is to be lent to.
 *
 * @throws {HostdevError} `HD_USER_NOT_FOUND`, `HD_USER_IS_ROOT`.
 */
export async function requireOrdinaryUser(host: Host, name: string): Promise<User> {
  const user = name === "" ? undefined : await findUser(host, name);
  if (user === undefined) throw new HostdevError("HD_USER_NOT_FOUND", `There is no user "${name}"`, { user: name });
  if (user.uid === 0)
    throw new HostdevError("HD_USER_IS_ROOT", `Cannot lend to "${user.name}", who is root`, { user: name });
  return user;
}
