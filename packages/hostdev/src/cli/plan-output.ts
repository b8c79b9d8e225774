// SPDX-License-Identifier: Apache-2.0
import { describeStep, type Step } from "../grants/step.ts";
import type { Output } from "./context.ts";

/** Prints a plan that is not carried out. */
export function printPlan({ print }: Output, steps: readonly string[]): void {
  for (const [index, step] of steps.entries()) print(`  ${index + 1}. ${step}\n`);
  print("Nothing was changed.\n");
}

/** Prints each step as it is done. */
export function onStep({ print }: Output): (step: Step, index: number, count: number) => void {
  return (step, index, count) => print(`  [${index + 1}/${count}] ${describeStep(step)}: done\n`);
}

/** Tells of what went wrong beside the work itself. */
export function onWarning({ warn }: Output): (text: string) => void {
  return (text) => warn(`hostdev-admin: ${text}\n`);
}
