// SPDX-License-Identifier: Apache-2.0

/** One act of a program on the machine, as `die-at.c` counts them. */
export interface Act {
  /** From 1, over all acts of the program. */
  readonly number: number;
  /** The system call; `send` gives a value to a program that was started (`fork`). */
  readonly call: string;
  /** The path, or the value sent. */
  readonly detail: string;
  /** The step of the operation in which it comes, from 1; one more than there are steps: after the last. */
  readonly step: number;
}

/** A moment to kill a program at. */
export interface Moment {
  readonly act: Act;
  readonly when: "before" | "after";
}

/** Reads the log of `die-at.c`. A step is done when the program prints its line `[2/8] ...`. Pure. */
export function parseActs(log: string): { readonly acts: readonly Act[]; readonly steps: number } {
  const acts: Act[] = [];
  let [done, steps] = [0, 0];
  for (const line of log.split("\n")) {
    const [, number, call, detail] = /^(\d+) (\w+) ?(.*)$/.exec(line) ?? [];
    if (number === undefined || call === undefined || detail === undefined) continue;
    const [, index, count] = (call === "told" && /\[(\d+)\/(\d+)\]/.exec(detail)) || [];
    if (index !== undefined) [done, steps] = [Number(index), Number(count)];
    else acts.push({ number: Number(number), call, detail, step: done + 1 });
  }
  return { acts, steps };
}

/**
 * One moment for each step, where it hurts most: when a value is on its way to the kernel through a child, if the step has
 * several such, the one in the middle; else before the act in the middle. Before the first step the record has to be
 * written; after the last it ends. Pure.
 */
export function oneOfEachStep(acts: readonly Act[]): readonly Moment[] {
  const steps = [...new Set(acts.map(({ step }) => step))];
  return steps.flatMap((step) => {
    const own = acts.filter((act) => act.step === step);
    const sent = own.filter(({ call }) => call === "send");
    const act = middle(sent) ?? middle(own);
    return act === undefined ? [] : [{ act, when: sent.length > 0 ? "after" : "before" } as const];
  });
}

/** Before every act, and after those that hand something to another program: all that can be told apart. Pure. */
export function everyMoment(acts: readonly Act[]): readonly Moment[] {
  return acts.flatMap((act): readonly Moment[] =>
    act.call === "send" || act.call === "fork"
      ? [
          { act, when: "before" },
          { act, when: "after" },
        ]
      : [{ act, when: "before" }],
  );
}

function middle<T>(values: readonly T[]): T | undefined {
  return values[Math.floor(values.length / 2)];
}

/** In words: `step 3, act 17: after send vfio-pci`. */
export function describeMoment({ act, when }: Moment): string {
  return `step ${act.step}, act ${act.number}: ${when} ${act.call} ${act.detail}`.trimEnd();
}
