// SPDX-License-Identifier: Apache-2.0
import { KernelError } from "./kernel-error.ts";

/** The operations of `Host` that change the machine. */
export type Mutation =
  | "writeKernel"
  | "writeFile"
  | "appendFile"
  | "removeFile"
  | "makeDirectory"
  | "removeDirectory"
  | "setOwnership"
  | "lock"
  | "listen"
  | "run"
  | "spawn"
  | "kill";

/** Everything else that can be made to fail. */
export type Reading =
  | "readText"
  | "readBytes"
  | "readLink"
  | "realPath"
  | "list"
  | "status"
  | "tryOpen"
  | "connect"
  | "openTerminal";

/** One act through a `Host`: for `run` and `spawn`, `path` is the command and `value` its arguments. */
export interface HostOperation {
  readonly operation: Mutation | Reading;
  readonly path: string;
  readonly value: string;
}

/** Which acts are meant; what is left out matches all. */
export interface OperationPattern {
  readonly operation?: Mutation | Reading;
  readonly path?: string | RegExp;
  readonly value?: string | RegExp;
}

/** An act that shall fail. */
export interface Fault extends OperationPattern {
  /** For `run`, the command ends with status 1 and this as its complaint. */
  readonly errno: string;
  /** How many times; default for ever. */
  readonly times?: number;
  /** How many matching acts pass first; default 0. */
  readonly after?: number;
}

interface Hook {
  readonly when: "before" | "after";
  readonly pattern: OperationPattern;
  readonly act: (operation: HostOperation) => void;
  left: number;
}

/** What tests plant: failures, and other actors between two acts of the program. */
export class Faults {
  #faults: { readonly fault: Fault; passed: number; left: number }[] = [];
  #hooks: Hook[] = [];
  #isInHook = false;

  failOn(fault: Fault): void {
    this.#faults.push({ fault, passed: 0, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  on(when: "before" | "after", pattern: OperationPattern, act: (operation: HostOperation) => void, times = 1): void {
    this.#hooks.push({ when, pattern, act, left: times });
  }

  clear(): void {
    this.#faults = [];
    this.#hooks = [];
  }

  /** Throws the planted failure of an act, if there is one. */
  check(operation: HostOperation): void {
    for (const entry of this.#faults) {
      if (entry.left === 0 || !matches(entry.fault, operation)) continue;
      if (entry.passed++ < (entry.fault.after ?? 0)) continue;
      entry.left -= 1;
      throw new KernelError(entry.fault.errno);
    }
  }

  /** Lets the other actors act; what they do themselves wakes no further ones. */
  wake(when: "before" | "after", operation: HostOperation): void {
    if (this.#isInHook) return;
    this.#isInHook = true;
    try {
      for (const hook of this.#hooks) {
        if (hook.left === 0 || hook.when !== when || !matches(hook.pattern, operation)) continue;
        hook.left -= 1;
        hook.act(operation);
      }
    } finally {
      this.#isInHook = false;
    }
  }
}

function matches(pattern: OperationPattern, { operation, path, value }: HostOperation): boolean {
  const fits = (wanted: string | RegExp | undefined, text: string) =>
    wanted === undefined || (typeof wanted === "string" ? wanted === text : wanted.test(text));
  return (pattern.operation ?? operation) === operation && fits(pattern.path, path) && fits(pattern.value, value);
}
