// SPDX-License-Identifier: Apache-2.0

/** The program was killed. No `HostdevError`, so that nothing that handles those takes it for a failure. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/**
 * When the program dies, around its n-th mutating operation:
 * - `before` it;
 * - `torn`: in the middle, for what is not one system call: an appended text is half written, a whole-file write
 *   leaves its temporary file, a change of owner leaves the mode at 0. Anything else: as `before`;
 * - `after` it took effect, but before the program learned of it.
 */
export type CrashMoment = "before" | "torn" | "after";

/** Counts the mutating operations of one program, and kills it at one of them. */
export class CrashPlan {
  #count = 0;
  #at: number | undefined;
  #moment: CrashMoment = "before";
  #isDead = false;
  readonly #onDeath: () => void;

  constructor(onDeath: () => void) {
    this.#onDeath = onDeath;
  }

  /** How many mutating operations were begun. */
  get count(): number {
    return this.#count;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Plans the death at the n-th mutating operation from now, counted from 1. */
  arm(n: number, moment: CrashMoment): void {
    this.#at = this.#count + n;
    this.#moment = moment;
  }

  /** Begins a mutating operation. @returns the moment to die in, if it is this one. */
  begin(): CrashMoment | undefined {
    this.#count += 1;
    return this.#count === this.#at ? this.#moment : undefined;
  }

  /** Kills the program. */
  die(): never {
    if (!this.#isDead) {
      this.#isDead = true;
      this.#onDeath();
    }
    throw new Crash(`the program was killed at its mutating operation ${this.#count}`);
  }

  /** A dead program does nothing: every further act throws, also those in its `catch` and `finally`. */
  assertAlive(): void {
    if (this.#isDead) throw new Crash("the program is dead");
  }
}
