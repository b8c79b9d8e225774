// SPDX-License-Identifier: Apache-2.0
import type { EventEmitter } from "node:events";
import type { Command } from "commander";
import { exitStatus } from "../core/error-category.ts";

/**
 * Makes a manual page from its hand-written part and a program: names, options and examples are the program's own, so
 * that the page cannot say anything else than `--help` does. Pure.
 *
 * @param template roff with the lines `@VERSION@`, `@SYNOPSIS@`, `@COMMANDS@`, `@OPTIONS@` (those of
 * the program itself, with its examples) and `@EXIT STATUS@` to be filled in.
 * @param program with all its verbs.
 * @see man(7)
 */
export function renderManPage(template: string, program: Command, version: string): string {
  const verbs = program.commands.filter((verb) => verb.name() !== "help");
  const parts: Readonly<Record<string, string>> = {
    SYNOPSIS: `${(verbs.length === 0 ? [program] : verbs).map(synopsisLine).join("\n.br\n")}\n`,
    COMMANDS: verbs.map(renderVerb).join(""),
    OPTIONS: `${optionLines(program).join("\n")}\n${renderHelpText(helpTextAfter(program))}`,
    "EXIT STATUS": exitStatusLines(),
  };
  const filled = template.replace(/^@([A-Z ]+)@\n/gm, (_, name: string) => parts[name] ?? "");
  return filled.replaceAll("@VERSION@", version);
}

/** A hyphen would become a typographic one, which cannot be copied to a shell; a dot first in a line is a macro. */
export function escapeRoff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
}

/** Prose: what is in backticks becomes bold. */
function prose(text: string): string {
  return escapeRoff(text).replace(/`([^`]*)`/g, "\\fB$1\\fR");
}

const bold = (text: string) => `\\fB${escapeRoff(text)}\\fR`;
const italic = (text: string) => `\\fI${escapeRoff(text)}\\fR`;

function argumentTexts(verb: Command): readonly string[] {
  return verb.registeredArguments.map((argument) => {
    const name = italic(argument.name().toUpperCase()) + (argument.variadic ? "..." : "");
    return argument.required ? name : `[${name}]`;
  });
}

function synopsisLine(verb: Command): string {
  const required = verb.options.filter((option) => option.mandatory).map((option) => optionText(option.flags));
  const parent = verb.parent === null ? [] : [bold(verb.parent.name())];
  const words = [...parent, bold(verb.name()), ...argumentTexts(verb), ...required];
  return `${words.join(" ")} [${italic("options")}]`;
}

/** `--to <user>` with the option bold and the value italic. */
function optionText(flags: string): string {
  return flags
    .split(/[ ,]+/)
    .map((word) => (word.startsWith("-") ? bold(word) : italic(word.replace(/[<>[\]]/g, "").toUpperCase())))
    .join(" ");
}

function renderVerb(verb: Command): string {
  const lines = [`.SS ${[bold(verb.name()), ...argumentTexts(verb)].join(" ")}`, prose(verb.description())];
  for (const argument of verb.registeredArguments) {
    lines.push(".TP", italic(argument.name().toUpperCase()), prose(argument.description));
  }
  return `${[...lines, ...optionLines(verb)].join("\n")}\n${renderHelpText(helpTextAfter(verb))}`;
}

function optionLines({ options }: Command): string[] {
  return options.flatMap(({ flags, description, defaultValue }) => {
    const isTold = typeof defaultValue === "string";
    return [".TP", optionText(flags), prose(isTold ? `${description} (default: ${defaultValue})` : description)];
  });
}

/** What `addHelpText("after", ...)` added: commander keeps it as a listener only. */
function helpTextAfter(verb: Command): string {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  (verb as unknown as EventEmitter).emit("afterHelp", { error: false, command: verb, write });
  return text;
}

/** Paragraphs as they are; what is indented below a title, as it is. */
function renderHelpText(text: string): string {
  const paragraphs = text.split(/\n\s*\n/).map((paragraph) => paragraph.replace(/^\n+|\n+$/g, ""));
  return paragraphs
    .filter((paragraph) => paragraph !== "")
    .map((paragraph) => {
      const [first = "", ...rest] = paragraph.split("\n");
      if (!rest.every((line) => line.startsWith("  ")) || rest.length === 0) return `.PP\n${prose(paragraph)}\n`;
      return `.PP\n${prose(first)}\n.PP\n.nf\n.RS\n${rest.map((line) => escapeRoff(line.trim())).join("\n")}\n.RE\n.fi\n`;
    })
    .join("");
}

function exitStatusLines(): string {
  const meanings = [
    ["0", "done"],
    ["1", "a check found problems"],
    ...Object.entries(exitStatus).map(([c, s]) => [s, c]),
  ];
  return meanings
    .map(([status, meaning]) => `.TP\n${status}\n${escapeRoff(String(meaning).replaceAll("-", " "))}\n`)
    .join("");
}
