// SPDX-License-Identifier: Apache-2.0
import type { CommandAnswer, CommandModel } from "./commands.ts";
import type { FakeProcess } from "./fake-process.ts";
import { limitText } from "./process-table.ts";

/**
 * prlimit(1) of util-linux, for `memlock` only: `--pid N --memlock=SOFT:HARD` sets, where either part may be left
 * out, and one number sets both; `--pid N --memlock [--output SOFT,HARD] [--noheadings] [--raw]` prints.
 */
export const prlimit: CommandModel = (args, process, { processes }) => {
  const pid = optionValue(args, "--pid") ?? optionValue(args, "-p");
  const target = pid === undefined ? process : processes.get(Number(pid));
  const wanted = args.find((arg) => arg.startsWith("--memlock="))?.slice("--memlock=".length);
  if (wanted === undefined) return target === undefined ? failed("get", "No such process") : print(args, target);
  if (target === undefined) return failed("set", "No such process");
  const limits = parse(wanted, target);
  if (limits === undefined) return { status: 1, stderr: "prlimit: failed to parse MEMLOCK limit\n" };
  if (limits.soft > limits.hard)
    return { status: 1, stderr: "prlimit: the soft limit MEMLOCK cannot exceed the hard limit\n" };
  const isRoot = process.caller.uid === 0;
  const isOwn = process.caller.uid === target.caller.uid;
  if (!isRoot && (!isOwn || limits.hard > target.memlock.hard)) return failed("set", "Operation not permitted");
  Object.assign(target.memlock, limits);
  return {};
};

function failed(act: "get" | "set", reason: string): CommandAnswer {
  const words = act === "set" ? "failed to set the MEMLOCK resource limit" : "failed to get the MEMLOCK resource limit";
  return { status: 1, stderr: `prlimit: ${words}: ${reason}\n` };
}

/** The limits that `SOFT:HARD`, `SOFT:`, `:HARD` or `BOTH` would leave. */
function parse(text: string, { memlock }: FakeProcess): { soft: number; hard: number } | undefined {
  const [first = "", second] = text.split(":");
  const soft = first === "" ? memlock.soft : bytesOf(first);
  const hard = second === undefined ? soft : second === "" ? memlock.hard : bytesOf(second);
  return Number.isNaN(soft) || Number.isNaN(hard) ? undefined : { soft, hard };
}

function bytesOf(text: string): number {
  if (text === "unlimited" || text === "-1") return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function print(args: readonly string[], { memlock }: FakeProcess): CommandAnswer {
  const columns = (
    optionValue(args, "--output") ??
    optionValue(args, "-o") ??
    "RESOURCE,DESCRIPTION,SOFT,HARD,UNITS"
  ).split(",");
  const values: Readonly<Record<string, string>> = {
    RESOURCE: "MEMLOCK",
    DESCRIPTION: "max locked-in-memory address space",
    SOFT: limitText(memlock.soft),
    HARD: limitText(memlock.hard),
    UNITS: "bytes",
  };
  const row = columns.map((column) => values[column] ?? "").join(" ");
  return { stdout: args.includes("--noheadings") ? `${row}\n` : `${columns.join(" ")}\n${row}\n` };
}

/** The value of `--name VALUE` or `--name=VALUE`. */
function optionValue(args: readonly string[], name: string): string | undefined {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  const arg = args[at];
  return arg === name ? args[at + 1] : arg?.slice(name.length + 1);
}
