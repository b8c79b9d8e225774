// SPDX-License-Identifier: Apache-2.0

/** Whatever root (or a script of root's) says, no text of it reaches a path, and what is refused changes nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { adminProgram } from "../../src/cli/admin-program.ts";
import type { Output } from "../../src/cli/context.ts";
import { runProgram } from "../../src/cli/run-program.ts";
import type { Host } from "../../src/core/host.ts";
import { printable } from "../../src/core/printable.ts";
import { diffSnapshots, labMachine } from "../fake-host/index.ts";

const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
const settings =
  seconds > 0 ? { interruptAfterTimeLimit: seconds * 1000, numRuns: 1e9 } : { seed: 20261128, numRuns: 400 };

/** So that it is recognised wherever it turns up. */
const mark = "HoStIlE";

const parts = [
  ...[
    "..",
    "/",
    "../../../etc/passwd",
    "/dev/sda",
    "/dev/vfio/11",
    "0000:01:00.0",
    "01:00.0",
    "pci_0000_01_00_0",
    "alex",
  ],
  ...[
    "root",
    "0",
    "-1",
    "--",
    "--force",
    "-",
    "*",
    "~",
    "$(id)",
    "`id`",
    ";",
    "|",
    "&",
    "\n",
    "\r",
    "\t",
    "\x1b[2J",
    " ",
  ],
  ...[
    "'",
    '"',
    "\\",
    "%s",
    "%n",
    "64MiB",
    "1e9",
    "NaN",
    "constructor",
    "__proto__",
    "é",
    "\u202e",
    "💥",
    "9".repeat(40),
  ],
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 6 })), { minLength: 1, maxLength: 5 })
  .map((words) => `${words.join("")}${mark}`)
  .filter((text) => !text.includes("\0")); // no argument of a program can have one

const requests = fc.oneof(
  hostile.map((text) => ["grant", text, "--to", "alex"]),
  hostile.map((text) => ["grant", "01:00.0", "--to", text]),
  hostile.map((text) => ["grant", "01:00.0", "--to", "alex", "--memory", text]),
  hostile.map((text) => ["grant", "04:02.0", "--to", "alex", "--hold", text]),
  hostile.map((text) => ["grant", "01:00.0", "--to", "alex", "--force", text]),
  hostile.map((text) => ["grant", `--to=${text}`, "01:00.0"]),
  hostile.map((text) => ["grant", "04:02.0", "--to", "alex", "--hold-mates", "--give", text]),
  fc
    .tuple(fc.constantFrom("--vf", "--create-vfs", "--mac", "--vlan"), hostile)
    .map(([option, text]) => [
      "grant",
      "05:00.0",
      "--to",
      "alex",
      ...(option === "--vf" ? [] : ["--vf", "any"]),
      option,
      text,
    ]),
  hostile.map((text) => ["release", text, "--trust"]),
  hostile.map((text) => ["revoke", text]),
  hostile.map((text) => ["revoke", "01:00.0", "--wait", text]),
  hostile.map((text) => [text]),
  hostile.map((text) => ["recover", text]),
);

/** A host that notes what it is asked for, before it does it. */
function watched(host: Host): { readonly host: Host; readonly paths: string[]; readonly commands: string[][] } {
  const paths: string[] = [];
  const commands: string[][] = [];
  const proxy = new Proxy(host, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "run" || name === "spawn") commands.push([String(args[0]), ...(args[1] as string[])]);
        else if (name !== "environment" && typeof args[0] === "string") paths.push(args[0]);
        return Reflect.apply(value, target, args);
      };
    },
  });
  return { host: proxy, paths, commands };
}

/** A path that this program may have made up: absolute, straight, of plain characters. */
const straight = /^(\/(?!\.\.?(\/|$))[A-Za-z0-9:._@-]+)+$/;

test("no argument reaches a path unparsed, a shell, or a terminal; refused is refused, and nothing has changed", async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (args) => {
      const machine = labMachine().build();
      const before = machine.snapshot();
      const { host, paths, commands } = watched(machine.open());
      const said: string[] = [];
      const output: Output = {
        print: (text) => void said.push(text),
        warn: (text) => void said.push(text),
        width: undefined,
        hasColour: false,
      };
      const status = await runProgram(adminProgram, args, host, output);
      assert.ok(status >= 2 && status <= 10, `status ${status}`);
      for (const path of paths) assert.match(path, straight);
      assert.deepEqual(
        paths.filter((path) => path.includes(mark)),
        [],
      );
      for (const [command, ...rest] of commands) {
        const isLookup = command === "getent" && rest[0] === "passwd" && rest[1] === "--" && rest.length === 3;
        const isLog = command === "logger" && rest.indexOf("--") === rest.length - 2;
        assert.ok(isLookup || isLog || !rest.some((word) => word.includes(mark)), `${command} ${rest.join(" ")}`);
      }
      assert.doesNotMatch(said.join(""), /HD_INTERNAL/);
      // Commander repeats what it does not know; our own words are printable.
      const lines = said.join("").split("\n");
      if (!lines.some((line) => line.startsWith("error: "))) assert.deepEqual(lines.map(printable), lines);
      assert.deepEqual(diffSnapshots(before, machine.snapshot()), []);
    }),
    settings,
  );
});
