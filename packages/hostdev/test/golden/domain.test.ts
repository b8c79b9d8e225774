// SPDX-License-Identifier: Apache-2.0

/** Domains and what becomes of them: the command line, and the XML with everything filled in. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatDomain, parseDomain } from "../../src/domain/parse.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { referenceEnvironment } from "../../src/qemu/reference.ts";
import { goldenExpressness, goldenFolder } from "./golden-folder.ts";

const folder = goldenFolder("domain");

for (const name of readdirSync(folder).sort()) {
  const at = (file: string) => join(folder, name, file);
  const parse = (text: string) => parseDomain(text, { file: "in.xml", expressness: goldenExpressness });

  test(`buildArguments() and formatDomain() give what is recorded: ${name}`, () => {
    const domain = parse(readFileSync(at("in.xml"), "utf8"));
    const args = buildArguments(domain, referenceEnvironment(domain, { major: 10, minor: 0 }));
    compare(at("out.args"), `${args.join("\n")}\n`);
    compare(at("out.xml"), formatDomain(domain));
  });

  test(`formatDomain() is a fixed point of parsing: ${name}`, () => {
    const domain = parse(readFileSync(at("in.xml"), "utf8"));
    for (const view of ["inactive", "live"] as const) {
      const once = formatDomain(domain, view);
      assert.equal(formatDomain(parse(once), view), once);
    }
  });
}

function compare(file: string, text: string): void {
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, text);
  const recorded = existsSync(file) ? readFileSync(file, "utf8") : "";
  assert.equal(text, recorded, `${file} differs; look at it, then run again with UPDATE_GOLDEN=1`);
}
