// SPDX-License-Identifier: Apache-2.0
import type { Argument, Command, Option } from "commander";
import { bashCompletion } from "./completion/bash.ts";
import { fishCompletion } from "./completion/fish.ts";
import { zshCompletion } from "./completion/zsh.ts";

/** What can stand in one place of a command line. */
export type WordKind =
  | { readonly kind: "device" | "driver" | "file" | "group" | "other" | "user" }
  | { readonly kind: "choice"; readonly choices: readonly string[] };

export interface CompletedOption {
  /** `--to`, and `-t` where there is a short one. */
  readonly names: readonly string[];
  readonly description: string;
  /** `undefined` for a switch, which takes none. */
  readonly value: WordKind | undefined;
  readonly isRepeatable: boolean;
}

export interface CompletedVerb {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly words: readonly WordKind[];
  /** Whether the last word may come again and again. */
  readonly isVariadic: boolean;
}

/** A program as a shell completes it. */
export interface CompletedProgram {
  readonly name: string;
  readonly verbs: readonly CompletedVerb[];
}

/** Shells that can be completed in. */
export const shells = ["bash", "fish", "zsh"] as const;
export type Shell = (typeof shells)[number];

const writers: Readonly<Record<Shell, (program: CompletedProgram) => string>> = {
  bash: bashCompletion,
  fish: fishCompletion,
  zsh: zshCompletion,
};

/**
 * Makes the script that completes a program's command lines in a shell. It looks at sysfs itself: starting a program for
 * each press of Tab would be felt.
 *
 * Pure.
 * @param program with all its verbs.
 */
export function renderCompletion(program: Command, shell: Shell): string {
  return writers[shell]({
    name: program.name(),
    verbs: program.commands.map((verb) => ({
      name: verb.name(),
      summary: verb.summary(),
      options: [...verb.options.map(toOption), { ...help, description: "show help" }],
      words: verb.registeredArguments.map((argument) => kindOf(argument, argument.name())),
      isVariadic: verb.registeredArguments.at(-1)?.variadic === true,
    })),
  });
}

const help = { names: ["--help", "-h"], value: undefined, isRepeatable: false } as const;

function toOption(option: Option): CompletedOption {
  const placeholder = /[<[](\w+)/.exec(option.flags)?.[1];
  return {
    names: [option.long, option.short].filter((name) => typeof name === "string"),
    description: option.description,
    value: placeholder === undefined ? undefined : kindOf(option, `${option.long} ${placeholder}`),
    isRepeatable: option.parseArg !== undefined,
  };
}

/** By the word's name in the usage; for options with their own name before it. */
const kinds: Readonly<Record<string, Exclude<WordKind["kind"], "choice">>> = {
  device: "device",
  name: "device",
  file: "file",
  number: "group",
  "--to user": "user",
  "--hold address": "device",
  "--force address": "device",
  "--driver name": "driver",
  "--group number": "group",
  "--svg file": "file",
  "--html file": "file",
};

function kindOf({ argChoices }: Argument | Option, name: string): WordKind {
  return argChoices === undefined ? { kind: kinds[name] ?? "other" } : { kind: "choice", choices: argChoices };
}
