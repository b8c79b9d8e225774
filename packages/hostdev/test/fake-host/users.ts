// SPDX-License-Identifier: Apache-2.0
import type { Caller } from "./nodes.ts";

/** A line of passwd, with the supplementary groups. */
export interface FakeUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Ids of supplementary groups. */
  readonly groups: readonly number[];
}

/** Who may log in: what `getent` answers. */
export class Users {
  readonly #users: FakeUser[] = [{ name: "root", uid: 0, gid: 0, groups: [] }];
  readonly #groups = new Map<string, number>([["root", 0]]);

  add(user: FakeUser): void {
    this.#users.push(user);
    if (!this.#groups.has(user.name)) this.#groups.set(user.name, user.gid);
  }

  addGroup(name: string, gid: number): void {
    this.#groups.set(name, gid);
  }

  all(): readonly FakeUser[] {
    return this.#users;
  }

  groups(): readonly (readonly [name: string, gid: number])[] {
    return [...this.#groups];
  }

  find(nameOrUid: string | number): FakeUser | undefined {
    return this.#users.find((user) => user.name === nameOrUid || String(user.uid) === String(nameOrUid));
  }

  /** The credentials of a user, for a process with this pid. */
  credentials(nameOrUid: string | number, pid: number): Caller {
    const user = this.find(nameOrUid);
    if (user === undefined) throw new Error(`the machine has no user ${nameOrUid}`);
    return { uid: user.uid, gid: user.gid, groups: [user.gid, ...user.groups], pid };
  }

  passwdLine({ name, uid, gid }: FakeUser): string {
    return `${name}:x:${uid}:${gid}:${name}:${uid === 0 ? "/root" : `/home/${name}`}:/bin/bash\n`;
  }

  groupLine([name, gid]: readonly [string, number]): string {
    const members = this.#users.filter((user) => user.groups.includes(gid)).map((user) => user.name);
    return `${name}:x:${gid}:${members.join(",")}\n`;
  }
}
