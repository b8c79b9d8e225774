// SPDX-License-Identifier: Apache-2.0

/** The hand-written types of monitor commands, against the schema that the QEMU of this machine tells of itself. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../style/source-tree.ts";
import { qmpSession } from "./qemu-tools.ts";

const emulator = "qemu-system-x86_64";
const hasQemu = spawnSync(emulator, ["--version"]).status === 0;

interface SchemaEntry {
  readonly name: string;
  readonly "meta-type": string;
  readonly "arg-type"?: string;
  readonly "ret-type"?: string;
  readonly "element-type"?: string;
  readonly members?: readonly { readonly name: string; readonly type: string }[];
}

/** The names in one part of a type: what `arguments: { ... }` or `returns: ...` has, at any depth. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/readonly "?([\w-]+)"?\??:/g)].map((match) => match[1] ?? "");
}

/** Each command of `qmp/commands.ts` with the names that it uses. Interfaces are put in where they are named. */
function writtenCommands(): Map<string, { readonly given: string[]; readonly returned: string[] }> {
  const text = readFileSync(join(packageRoot, "src/qmp/commands.ts"), "utf8");
  const interfaces = new Map(
    [...text.matchAll(/^interface (\w+) \{\n(.*?)^\}/gms)].map(([, name = "", body = ""]) => [name, body]),
  );
  const body = /export interface QmpCommands \{\n(.*?)^\}/ms.exec(text)?.[1] ?? "";
  const whole = (part: string) =>
    [...interfaces].reduce((all, [name, fields]) => all.replaceAll(new RegExp(`\\b${name}\\b`, "g"), fields), part);
  const commands = new Map<string, { given: string[]; returned: string[] }>();
  for (const [, name = "", rest = ""] of body.matchAll(
    /^ {2}"?([\w-]+)"?: \{(.*?)(?=^ {2}"?[\w-]+"?: \{|$(?![\s\S]))/gms,
  )) {
    const [given = "", returned = ""] = rest.split("returns:");
    commands.set(name, { given: namesIn(given), returned: namesIn(whole(returned)) });
  }
  return commands;
}

test("the types of monitor commands are QEMU's", {
  skip: hasQemu ? false : `there is no ${emulator}`,
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), "hd-qmp-"));
  const path = join(directory, "qmp");
  const args = ["-M", "none", "-nodefaults", "-display", "none", "-qmp", `unix:${path},server=on,wait=off`];
  const qemu = spawn(emulator, args, { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => qemu.on("close", () => resolve()));
  try {
    const session = await qmpSession(path, ended);
    assert.ok(session !== undefined);
    const schema = (await session.execute("query-qmp-schema")) as SchemaEntry[];
    const types = new Map(schema.map((entry) => [entry.name, entry]));
    const memberNames = (type: string | undefined, depth: number): string[] => {
      const entry = types.get(type ?? "");
      if (entry === undefined || depth < 0) return [];
      if (entry["element-type"] !== undefined) return memberNames(entry["element-type"], depth);
      return (entry.members ?? []).flatMap((member) => [member.name, ...memberNames(member.type, depth - 1)]);
    };
    const commands = writtenCommands();
    assert.ok(commands.size >= 20, `only ${commands.size} commands were read`);
    for (const [name, { given, returned }] of commands) {
      const command = schema.find((entry) => entry.name === name && entry["meta-type"] === "command");
      assert.ok(command !== undefined, `QEMU has no ${name}`);
      const possible = memberNames(command["arg-type"], 0);
      for (const argument of given) assert.ok(possible.includes(argument), `${name} has no argument ${argument}`);
      const answer = memberNames(command["ret-type"], 3);
      for (const member of returned) assert.ok(answer.includes(member), `the answer to ${name} has no ${member}`);
    }
  } finally {
    qemu.kill("SIGKILL");
    await ended;
    rmSync(directory, { recursive: true });
  }
});
