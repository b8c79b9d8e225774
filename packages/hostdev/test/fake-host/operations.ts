// SPDX-License-Identifier: Apache-2.0
import { Crash, type CrashMoment, CrashPlan } from "./crash.ts";
import type { FakeMachine } from "./fake-machine.ts";
import type { FakeProcess } from "./fake-process.ts";
import type { HostOperation } from "./faults.ts";
import { KernelError } from "./kernel-error.ts";

/** How an operation departs from the common way. */
export interface ChangeOptions<T> {
  /** What it leaves when it is killed half-way. */
  readonly torn?: (() => void) | undefined;
  /** What a planted failure gives, when that is not a thrown errno. */
  readonly onFault?: (errno: string) => T;
}

/** What each act of one program passes through: is it alive, shall it die now, shall the act fail, who acts too. */
export class Operations {
  readonly #machine: FakeMachine;
  readonly #process: FakeProcess;
  readonly #plan: CrashPlan;

  constructor(machine: FakeMachine, process: FakeProcess) {
    this.#machine = machine;
    this.#process = process;
    this.#plan = new CrashPlan(() => machine.processes.end(process.pid));
  }

  /** Mutating operations begun so far. */
  get count(): number {
    return this.#plan.count;
  }

  /** Plans the program's death. */
  crashAt(n: number, moment: CrashMoment): void {
    this.#plan.arm(n, moment);
  }

  /** A program that crashed, was killed, or ran before a reboot does nothing more. */
  assertAlive(): void {
    this.#plan.assertAlive();
    if (this.#machine.processes.get(this.#process.pid) !== this.#process) throw new Crash("the program has ended");
  }

  /** An act that changes nothing. */
  read<T>(operation: HostOperation, act: () => T, onFault?: (errno: string) => T): T {
    this.assertAlive();
    return this.#unlessFaulty(operation, act, onFault);
  }

  /** An act that changes the machine. */
  change<T>(operation: HostOperation, act: () => T, { torn, onFault }: ChangeOptions<T> = {}): T {
    this.assertAlive();
    const moment = this.#plan.begin();
    if (moment === "torn") tear(torn);
    if (moment === "before" || moment === "torn") this.#plan.die();
    const { faults, log } = this.#machine;
    try {
      faults.wake("before", operation);
      log.push(operation);
      return this.#unlessFaulty(operation, act, onFault);
    } finally {
      if (moment === "after") this.#plan.die();
      faults.wake("after", operation);
    }
  }

  #unlessFaulty<T>(operation: HostOperation, act: () => T, onFault?: (errno: string) => T): T {
    try {
      this.#machine.faults.check(operation);
    } catch (error) {
      if (!(error instanceof KernelError) || onFault === undefined) throw error;
      return onFault(error.errno);
    }
    return act();
  }
}

function tear(torn: (() => void) | undefined): void {
  try {
    torn?.();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error; // it would have failed anyway
  }
}
