// SPDX-License-Identifier: Apache-2.0
import { HostdevError, toHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { applyStep } from "./apply-step.ts";
import type { OnWarning } from "./audit.ts";
import { describeStep, type Step } from "./step.ts";
import { recordBegin } from "./store.ts";

/** Told of each step as it is done, and asked between steps whether to go on. */
export interface Progress {
  readonly onStep?: (step: Step, index: number, count: number) => void;
  /** Aborted by Ctrl-C or SIGTERM: the step under way is finished, then `HD_INTERRUPTED` is thrown. */
  readonly signal?: AbortSignal;
  /** Told when the log cannot be written, and of what speaks against it though it is done. */
  readonly onWarning?: OnWarning;
}

/**
 * Does journaled steps in order, each announced on the disk before it is done. Needs: root.
 *
 * @throws the first failure. After it: the failed step may be half done, those after it are not.
 */
export async function runSteps(host: Host, id: string, steps: readonly Step[], progress: Progress): Promise<void> {
  for (const [index, step] of steps.entries()) {
    await host.sleep(0); // some steps never wait for anything, and a signal is heard only while we wait
    if (progress.signal?.aborted) throw interruptedBy(progress.signal);
    recordBegin(host, id, index);
    await applyStep(host, step);
    progress.onStep?.(step, index, steps.length);
  }
}

/**
 * Does all steps that can be done, whatever fails, and then says what is left. For giving back: a device that does
 * not return must not keep the node, the limits and the other devices from returning. The steps are not announced one
 * by one: a recovery does all of them again, and what is done already is left alone. Needs: root.
 *
 * @throws {HostdevError} `HD_UNDO_INCOMPLETE` with the steps that failed; its cause has the reasons.
 */
export async function runAllSteps(
  host: Host,
  id: string,
  steps: readonly Step[],
  onStep: Progress["onStep"],
): Promise<void> {
  const failures: { readonly step: Step; readonly error: HostdevError }[] = [];
  for (const [index, step] of steps.entries()) {
    try {
      await applyStep(host, step);
      onStep?.(step, index, steps.length);
    } catch (error) {
      failures.push({ step, error: toHostdevError(error) });
    }
  }
  if (failures.length === 0) return;
  const left = failures.map(({ step }) => describeStep(step));
  const cause = new AggregateError(failures.map(({ error }) => error));
  throw new HostdevError(
    "HD_UNDO_INCOMPLETE",
    `Could not ${left.join("; nor ")}`,
    { grant: id, steps: left },
    { cause },
  );
}

/** The error for an act that a signal stopped. */
export function interruptedBy(aborted: AbortSignal): HostdevError<"HD_INTERRUPTED"> {
  const signal = String(aborted.reason ?? "a signal");
  return new HostdevError("HD_INTERRUPTED", `Interrupted by ${signal}`, { signal });
}
