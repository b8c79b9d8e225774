// SPDX-License-Identifier: Apache-2.0
import { Command, CommanderError } from "commander";
import type { Host } from "../core/host.ts";
import { realHost } from "../core/real-host.ts";
import { type Context, type Output, processOutput } from "./context.ts";
import { guardedOutput } from "./guarded-output.ts";
import { reportError } from "./report-error.ts";

/** Adds one verb to a program. */
export type Verb = (program: Command, context: Context) => void;

export interface ProgramDescription {
  readonly name: string;
  readonly summary: string;
  /** Shown below the help of the program. */
  readonly examples: string;
  /** What it does without a verb, if it does. */
  readonly main?: Verb;
  /** By name, in the order of the help; loaded when asked for, so that a command starts fast. */
  readonly verbs: Readonly<Record<string, () => Promise<Verb>>>;
}

/** Filled in when the executables are bundled. */
declare const HOSTDEV_VERSION: string | undefined;
const version = typeof HOSTDEV_VERSION === "undefined" ? "0.0.0-source" : HOSTDEV_VERSION;

/**
 * Builds the command line parser of a program.
 *
 * @param verb only with this verb, if the program has it; else with all.
 */
export async function buildProgram(description: ProgramDescription, context: Context, verb = ""): Promise<Command> {
  const { print, warn } = context.output;
  const program = new Command(description.name)
    .description(description.summary)
    .version(version)
    .showHelpAfterError(`(see ${description.name} --help)`)
    .configureOutput({ writeOut: print, writeErr: warn, getOutHasColors: () => context.output.hasColour })
    .exitOverride()
    .addHelpText("after", `\nExamples:\n${description.examples}`);
  const { verbs, main } = description;
  main?.(program, context);
  const wanted = Object.hasOwn(verbs, verb) ? [verbs[verb]] : isVersion(verb) ? [] : Object.values(verbs);
  for (const add of await Promise.all(wanted.map((load) => load?.()))) add?.(program, context);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

const isVersion = (argument: string) => argument === "--version" || argument === "-V";

/**
 * Runs a program to its end.
 *
 * @param args the arguments, without interpreter and script.
 * @returns the exit status: 0, 1 for a check that found problems, or the error's category.
 */
export async function runProgram(
  description: ProgramDescription,
  args: readonly string[],
  host: Host = realHost(),
  output: Output = processOutput(),
): Promise<number> {
  let status = 0;
  const guarded = guardedOutput(output);
  const setExitStatus = (wanted: number) => {
    status = wanted;
  };
  try {
    const program = await buildProgram(description, { host, output: guarded, setExitStatus }, args[0]);
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    // Commander has said what is wrong with the arguments already; help and version end this way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    return reportError(error, description.name, args.includes("--json"), guarded);
  }
}
