// SPDX-License-Identifier: Apache-2.0
import { createReadStream, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { serialize } from "node:v8";
import { isHostdevError } from "../../src/core/errors.ts";
import { realHost } from "../../src/core/real-host.ts";
import type { UserView } from "./kernel-subject.ts";
import type { Answer } from "./user-view.ts";

/* A program: makes calls of its `Host` for `userView()`. Arguments: the FIFOs of the questions and of the answers. */

const [questions = "", answers = ""] = process.argv.slice(2);
const host = realHost();
const input = openSync(questions, "r"); // at once; a stream opens later, when the other side waits for `answers`
const output = openSync(answers, "w");

for await (const line of createInterface({ input: createReadStream("", { fd: input }) })) {
  const { name, args } = JSON.parse(line) as { name: keyof UserView; args: readonly unknown[] };
  writeSync(output, `${serialize(await call(host[name], args)).toString("base64")}\n`);
}

async function call(member: unknown, args: readonly unknown[]): Promise<Answer> {
  try {
    return { value: typeof member === "function" ? await member(...args) : member };
  } catch (error) {
    if (!isHostdevError(error)) throw error;
    return { failure: { code: error.code, message: error.message, details: error.details } };
  }
}
