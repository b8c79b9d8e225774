// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { catalog } from "../../src/core/error-catalog.ts";
import { exitStatus } from "../../src/core/error-category.ts";
import { readSources, repositoryRoot } from "./source-tree.ts";

/** The page for users and scripts; UPDATE_GOLDEN=1 writes it. */
function renderPage(): string {
  const statuses = Object.entries(exitStatus).map(([category, status]) => `| ${status} | ${category} |`);
  const codes = Object.entries(catalog).map(
    ([code, { category }]) => `| \`${code}\` | ${category} | ${exitStatus[category]} |`,
  );
  return [
    "# Errors",
    "",
    "Made from `packages/hostdev/src/core/error-catalog.ts` by its test. Match on the code, never on the text: codes are only",
    "ever added. With `--json` an error is `{version, error: {code, category, message, details, hint, causes}}`.",
    "",
    "| exit status | category |",
    "|---|---|",
    "| 0 | done |",
    "| 1 | a check found problems |",
    ...statuses,
    "",
    "| code | category | exit status |",
    "|---|---|---|",
    ...codes,
    "",
  ].join("\n");
}

test("catalog: docs/errors.md is made from it", () => {
  const path = join(repositoryRoot, "docs/errors.md");
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, renderPage());
  assert.equal(readFileSync(path, "utf8"), renderPage());
});

test("catalog: every code is raised somewhere", () => {
  const text = readSources()
    .map((source) => (source.path.endsWith("error-catalog.ts") ? "" : source.text))
    .join("\n");
  const unused = Object.keys(catalog).filter((code) => !text.includes(`"${code}"`));
  assert.deepEqual(unused, []);
});
