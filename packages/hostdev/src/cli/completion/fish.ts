// SPDX-License-Identifier: Apache-2.0
import type { CompletedOption, CompletedProgram, CompletedVerb, WordKind } from "../completion.ts";

/** The script for fish 3 and later. */
export function fishCompletion({ name, verbs }: CompletedProgram): string {
  const fn = `__${name.replaceAll("-", "_")}`;
  const lines = verbs.flatMap((verb) => verbLines(name, fn, verb));
  return `# fish completion for ${name}, made by: ${name} completion fish

function ${fn}_devices
    for path in /sys/bus/pci/devices/* /sys/bus/pci/devices/*/net/* /sys/bus/pci/devices/*/nvme/nvme*/nvme*n*
        string replace -r '.*/' '' $path
    end
end

function ${fn}_names
    for path in $argv[1]/*
        string replace -r '.*/' '' $path
    end
end

complete -c ${name} -f
complete -c ${name} -n __fish_use_subcommand -l help -d 'show help'
complete -c ${name} -n __fish_use_subcommand -l version -d 'show the version'
${lines.join("\n")}
`;
}

function verbLines(name: string, fn: string, verb: CompletedVerb): readonly string[] {
  const within = `complete -c ${name} -n '__fish_seen_subcommand_from ${verb.name}'`;
  const words = new Set(verb.words.map((word) => source(fn, word)).filter((text) => text !== ""));
  return [
    `complete -c ${name} -n __fish_use_subcommand -a ${verb.name} -d ${quote(verb.summary)}`,
    ...[...words].map((text) => `${within} ${text}`),
    ...verb.options.map((option) => `${within} ${optionWords(fn, option)}`),
  ];
}

function optionWords(fn: string, { names, description, value }: CompletedOption): string {
  const flags = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const taken = value === undefined ? [] : ["-r", source(fn, value)].filter((text) => text !== "");
  return [...flags, ...taken, "-d", quote(description)].join(" ");
}

/** The words of `complete` that say what can stand there. */
function source(fn: string, word: WordKind): string {
  switch (word.kind) {
    case "choice":
      return `-a ${quote(word.choices.join(" "))}`;
    case "device":
      return `-a '(${fn}_devices)'`;
    case "driver":
      return `-a '(${fn}_names /sys/bus/pci/drivers)'`;
    case "group":
      return `-a '(${fn}_names /sys/kernel/iommu_groups)'`;
    case "file":
      return "-F";
    case "user":
      return "-a '(__fish_complete_users)'";
    case "other":
      return "";
  }
}

const quote = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
