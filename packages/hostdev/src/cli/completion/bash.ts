// SPDX-License-Identifier: Apache-2.0
import type { CompletedProgram, CompletedVerb, WordKind } from "../completion.ts";

/**
 * The script for bash 4.2 and later, which needs no bash-completion. Bash splits words at colons, which addresses are
 * full of: so the words are taken from the line itself, and what is before the last colon is cut off the replies.
 */
export function bashCompletion({ name, verbs }: CompletedProgram): string {
  const fn = `_${name.replaceAll("-", "_")}`;
  return `# bash completion for ${name}, made by: ${name} completion bash
# shellcheck shell=bash

${fn}_devices() {
  local path
  for path in /sys/bus/pci/devices/* /sys/bus/pci/devices/*/net/* /sys/bus/pci/devices/*/nvme/nvme*/nvme*n*; do
    [[ -e $path ]] && printf '%s\\n' "\${path##*/}"
  done
}

# Sets kind: what stands after an option, or at a place among the words that are no options.
${fn}_kind() {
  kind=''
  case $1 in
${verbs.flatMap(kindCases).join("\n")}
  esac
}

${fn}() {
  local line=\${COMP_LINE:0:COMP_POINT} cur word verb='' kind='' after='' options='' path i place=0
  local -a words replies
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  cur=\${words[\${#words[@]} - 1]}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    word=\${words[i]}
    if [[ -n $after ]]; then
      after=''
    elif [[ $word == --*=* ]]; then
      :
    elif [[ $word == -* ]]; then
      ${fn}_kind "$verb $word"
      after=$kind
    elif [[ -z $verb ]]; then
      verb=$word
    else
      ((++place))
    fi
  done
  if [[ -z $after && $cur == --*=* ]]; then
    ${fn}_kind "$verb \${cur%%=*}"
    after=$kind
    cur=\${cur#*=}
  fi
  COMPREPLY=()
  if [[ -n $after ]]; then
    kind=$after
  elif [[ -z $verb ]]; then
    kind='choice ${[...verbs.map((verb) => verb.name), "help"].join(" ")}'
    [[ $cur == -* ]] && kind='choice --help --version'
  elif [[ $cur == -* ]]; then
    case $verb in
${verbs.map(optionCase).join("\n")}
    esac
    kind="choice $options"
  else
    ${fn}_kind "$verb $place"
  fi
  case $kind in
    choice*) mapfile -t replies < <(compgen -W "\${kind#choice }" -- "$cur") ;;
    user) mapfile -t replies < <(compgen -u -- "$cur") ;;
    group) mapfile -t replies < <(cd /sys/kernel/iommu_groups 2>/dev/null && compgen -d -- "$cur") ;;
    driver) mapfile -t replies < <(cd /sys/bus/pci/drivers 2>/dev/null && compgen -d -- "$cur") ;;
    device)
      mapfile -t replies < <(compgen -W "$(${fn}_devices)" -- "$cur")
      # An address without its PCI domain.
      [[ $cur =~ ^[0-9a-f]{2}: ]] && mapfile -t replies < <(compgen -W "$(${fn}_devices | sed -n 's/^0000://p')" -- "$cur")
      [[ $cur == *:* ]] && replies=("\${replies[@]#"\${cur%"\${cur##*:}"}"}")
      ;;
    file)
      compopt -o filenames 2>/dev/null
      mapfile -t replies < <(compgen -f -- "$cur")
      ;;
  esac
  COMPREPLY=("\${replies[@]}")
}

complete -F ${fn} ${name}
`;
}

function kindCases(verb: CompletedVerb): readonly string[] {
  const entry = (pattern: string, kind: WordKind) => `    ${pattern}) kind='${kindText(kind)}' ;;`;
  const options = verb.options.flatMap(({ names, value }) =>
    value === undefined ? [] : names.map((option) => entry(`'${verb.name} ${option}'`, value)),
  );
  const words = verb.words.map((kind, index) => {
    const isOpen = verb.isVariadic && index === verb.words.length - 1;
    return entry(isOpen ? `'${verb.name} '[0-9]*` : `'${verb.name} ${index}'`, kind);
  });
  return [...options, ...words];
}

function kindText(word: WordKind): string {
  return word.kind === "choice" ? `choice ${word.choices.join(" ")}` : word.kind;
}

function optionCase({ name, options }: CompletedVerb): string {
  return `      ${name}) options='${options.map((option) => option.names[0]).join(" ")}' ;;`;
}
