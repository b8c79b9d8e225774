// SPDX-License-Identifier: Apache-2.0
import type { CompletedOption, CompletedProgram, CompletedVerb, WordKind } from "../completion.ts";

/** The script for zsh: to be sourced, or to be put into a folder of `fpath` as `_NAME`. */
export function zshCompletion({ name, verbs }: CompletedProgram): string {
  const fn = `_${name}`;
  return `#compdef ${name}
# zsh completion for ${name}, made by: ${name} completion zsh

${fn}_devices() {
  local -a found
  found=(/sys/bus/pci/devices/*(N:t) /sys/bus/pci/devices/*/net/*(N:t) /sys/bus/pci/devices/*/nvme/nvme*/nvme*n*(N:t))
  compadd -a found
}

${fn}_groups() {
  local -a found
  found=(/sys/kernel/iommu_groups/*(N:t))
  compadd -a found
}

${fn}_drivers() {
  local -a found
  found=(/sys/bus/pci/drivers/*(N:t))
  compadd -a found
}

${fn}() {
  local -a verbs
  verbs=(
${verbs.map((verb) => `    ${quote(`${verb.name}:${verb.summary}`)}`).join("\n")}
    'help:show help'
  )
  if ((CURRENT == 2)); then
    _describe -t verbs verb verbs
    return
  fi
  local verb=$words[2]
  shift words
  ((CURRENT--))
  case $verb in
${verbs.map((verb) => verbCase(fn, verb)).join("\n")}
  esac
}

if [[ $funcstack[1] == ${fn} ]]; then
  ${fn} "$@"
else
  compdef ${fn} ${name}
fi
`;
}

function verbCase(fn: string, verb: CompletedVerb): string {
  const options = verb.options.map((option) => optionSpecification(fn, option));
  const words = verb.words.map((kind, index) => {
    const place = verb.isVariadic && index === verb.words.length - 1 ? "*" : String(index + 1);
    return `${place}:${kind.kind}:${action(fn, kind)}`;
  });
  const lines = [...options, ...words].map((text) => ` \\\n        ${quote(text)}`);
  return `    ${verb.name})\n      _arguments -s${lines.join("")}\n      ;;`;
}

function optionSpecification(fn: string, { names, description, value, isRepeatable }: CompletedOption): string {
  const told = description.replace(/[\\[\]:]/g, "\\$&");
  const taken = value === undefined ? "" : `:${value.kind}:${action(fn, value)}`;
  return `${isRepeatable ? "*" : ""}${names[0]}[${told}]${taken}`;
}

function action(fn: string, word: WordKind): string {
  switch (word.kind) {
    case "choice":
      return `(${word.choices.join(" ")})`;
    case "device":
    case "driver":
    case "group":
      return `${fn}_${word.kind}s`;
    case "file":
      return "_files";
    case "user":
      return "_users";
    case "other":
      return " ";
  }
}

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
