// SPDX-License-Identifier: Apache-2.0
import { Argument } from "commander";
import { renderCompletion, type Shell, shells } from "../completion.ts";
import { buildProgram, type ProgramDescription, type Verb } from "../run-program.ts";

const places: Readonly<Record<Shell, (name: string) => string>> = {
  bash: (name) => `source <(${name} completion bash)     in ~/.bashrc`,
  fish: (name) => `${name} completion fish > ~/.config/fish/completions/${name}.fish`,
  zsh: (name) => `source <(${name} completion zsh)      in ~/.zshrc, after compinit`,
};

/** `hostdev completion SHELL`, and the same for `hostdev-admin`. */
export function completionVerb(description: ProgramDescription): Verb {
  return (program, context) => {
    const { name } = description;
    program
      .command("completion")
      .summary("print what a shell needs to complete the command line")
      .description(`Prints a script that completes commands, options, devices, users and files of ${name} in a shell.`)
      .addArgument(new Argument("<shell>", "which shell").choices(shells))
      .addHelpText("after", `\nExamples:\n${shells.map((shell) => `  ${places[shell](name)}`).join("\n")}`)
      .action(async (shell: Shell) => {
        context.output.print(renderCompletion(await buildProgram(description, context), shell));
      });
  };
}
