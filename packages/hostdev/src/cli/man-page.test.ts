// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Command } from "commander";
import { fakeMachine } from "../../test/fake-host/index.ts";
import { packageRoot, repositoryRoot } from "../../test/style/source-tree.ts";
import { adminProgram } from "./admin-program.ts";
import { daemonProgram } from "./daemon-program.ts";
import { escapeRoff, renderManPage } from "./man-page.ts";
import { buildProgram } from "./run-program.ts";
import { userProgram } from "./user-program.ts";

const folder = join(repositoryRoot, "docs/man");
const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
const output = { print: () => {}, warn: () => {}, width: undefined, hasColour: false };

const pages = {
  "hostdev.1": userProgram,
  "hostdev-admin.8": adminProgram,
  "hostdev-sessiond.1": daemonProgram,
};
for (const [page, description] of Object.entries(pages)) {
  test(`renderManPage() docs/man/${page} is what its template and the program make`, async () => {
    const context = { host: fakeMachine().open(), output, setExitStatus: () => {} };
    const program = await buildProgram(description, context);
    const text = renderManPage(readFileSync(join(folder, `${page}.in`), "utf8"), program, version);
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(join(folder, page), text);
    assert.equal(text, readFileSync(join(folder, page), "utf8"), "UPDATE_GOLDEN=1 makes it anew");
  });

  test(`docs/man/${page} is roff without a warning`, (t) => {
    const { status, stderr, error } = spawnSync("groff", ["-ww", "-man", "-Tutf8", "-z", join(folder, page)]);
    if (error) return t.skip("groff is not installed");
    assert.equal(String(stderr), "");
    assert.equal(status, 0);
  });
}

test("escapeRoff() keeps hyphens, backslashes, and dots and quotes first in a line", () => {
  assert.equal(escapeRoff("a-b\\c\n.TH\n'x"), "a\\-b\\ec\n\\&.TH\n\\&'x");
});

test("renderManPage() has arguments, options with defaults, paragraphs and examples of a verb", () => {
  const program = new Command("tool");
  const verb = program.command("cut").description("Cuts, as `saw` does.").argument("<file...>", "what");
  verb.requiredOption("--to <user>", "whose").option("--size <n>", "how much", "3");
  verb.addHelpText("after", "\nLonger or not.\n\nExamples:\n  tool cut a-b\n  tool cut .c");
  const text = renderManPage("@SYNOPSIS@\n@COMMANDS@\n", program, "1");
  assert.match(text, /^\\fBtool\\fR \\fBcut\\fR \\fIFILE\\fR\.\.\. \\fB\\-\\-to\\fR \\fIUSER\\fR \[/);
  assert.match(text, /\nCuts, as \\fBsaw\\fR does\.\n\.TP\n\\fIFILE\\fR\nwhat\n/);
  assert.match(text, /\n\.TP\n\\fB\\-\\-size\\fR \\fIN\\fR\nhow much \(default: 3\)\n\.PP\nLonger or not\.\n/);
  assert.match(text, /\n\.PP\nExamples:\n\.PP\n\.nf\n\.RS\ntool cut a\\-b\ntool cut \.c\n\.RE\n\.fi\n/);
});
