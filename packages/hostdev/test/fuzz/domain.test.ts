// SPDX-License-Identifier: Apache-2.0

/** Whatever comes in, only our own errors come out; and what is accepted is stable when written and read again. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isHostdevError } from "../../src/core/errors.ts";
import { formatDomain, parseDomain } from "../../src/domain/parse.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { referenceEnvironment } from "../../src/qemu/reference.ts";
import { readXml } from "../../src/xml/reader.ts";
import { goldenFolder } from "../golden/golden-folder.ts";

const folder = goldenFolder("domain");
const documents = readdirSync(folder).map((name) => readFileSync(join(folder, name, "in.xml"), "utf8"));
const seconds = Number(process.env["FUZZ_SECONDS"] ?? 0);
const settings: fc.Parameters<unknown> =
  seconds > 0 ? { interruptAfterTimeLimit: seconds * 1000, numRuns: 1e9 } : { seed: 20261122, numRuns: 1500 };

const words = [
  "0",
  "-1",
  "99999999999",
  "0x1f",
  "on",
  "yes",
  "pci",
  "usb",
  "ide",
  "scsi",
  "virtio",
  "none",
  "q35",
  "a&amp;b",
  "é",
  "",
];

/** A document with some values replaced, elements removed, doubled, or swapped. */
const mutated = fc
  .tuple(
    fc.constantFrom(...documents),
    fc.array(
      fc.tuple(fc.nat(), fc.constantFrom("value", "remove", "double", "name", "cut"), fc.constantFrom(...words)),
      {
        minLength: 1,
        maxLength: 4,
      },
    ),
  )
  .map(([text, changes]) => changes.reduce(change, text));

function change(text: string, [where, kind, word]: [number, string, string]): string {
  const pick = (pattern: RegExp) => {
    const found = [...text.matchAll(pattern)];
    return found.length === 0 ? undefined : found[where % found.length];
  };
  const replace = (match: RegExpMatchArray | undefined, by: string) =>
    match?.index === undefined ? text : text.slice(0, match.index) + by + text.slice(match.index + match[0].length);
  if (kind === "value") return replace(pick(/'[^']*'/g), `'${word}'`);
  if (kind === "name") return replace(pick(/(?<=<\/?)[a-z]+/g), "thing");
  if (kind === "cut") return text.slice(0, where % text.length);
  const line = pick(/^.*\n/gm);
  return replace(line, kind === "double" ? (line?.[0] ?? "").repeat(2) : "");
}

test("parseDomain() and buildArguments() throw nothing but HostdevError on mutated domains", () => {
  fc.assert(
    fc.property(mutated, (text) => {
      try {
        const domain = parseDomain(text);
        const once = formatDomain(domain, "live");
        assert.equal(formatDomain(parseDomain(once), "live"), once);
        buildArguments(domain, referenceEnvironment(domain, { major: 10, minor: 0 }));
      } catch (error) {
        if (!isHostdevError(error)) throw error;
        assert.notEqual(error.code, "HD_INTERNAL");
      }
    }),
    settings,
  );
});

test("readXml() throws nothing but HostdevError on any text", () => {
  const pieces = fc.constantFrom(
    "<a>",
    "</a>",
    "<a b='c'/>",
    "<!DOCTYPE a [",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&lt;",
    "&x;",
    "&#0;",
    "<?p",
    "x",
    "'",
    "\n",
    "\u0000",
    "xmlns:q='u'",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(pieces).map((list) => list.join("")),
      ),
      (text) => {
        try {
          readXml(text);
        } catch (error) {
          if (!isHostdevError(error)) throw error;
        }
      },
    ),
    settings,
  );
});

test("buildArguments() keeps hostile names inside the arguments they belong to", () => {
  const hostile = fc
    .string({ minLength: 1, maxLength: 40, unit: fc.constantFrom(..."a,='\"{}[]:;\\$`% -\t<&".split("")) })
    .filter((text) => text.trim() !== "");
  const xml = (text: string) =>
    text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("'", "&apos;").replaceAll("\t", "&#9;");
  const make = (name: string, file: string) =>
    `<domain type='qemu'><name>${xml(name)}</name><uuid>5a1f0c3e-1111-4c6e-9a01-000000000001</uuid><memory>65536</memory><os><type>hvm</type></os><devices>` +
    `<disk type='file'><source file='/d/${xml(file)}'/><target dev='vda'/></disk><serial type='pipe'><source path='/d/${xml(file)}'/></serial></devices></domain>`;
  const argumentsFor = (name: string, file: string) => {
    const domain = parseDomain(make(name, file));
    return buildArguments(domain, referenceEnvironment(domain, { major: 10, minor: 0 }));
  };
  fc.assert(
    fc.property(hostile, hostile, (name, file) => {
      const plain = argumentsFor("n", "f");
      const args = argumentsFor(name, file);
      assert.equal(args.length, plain.length);
      const disk = args.find((argument) => argument.includes('"driver":"file"')) ?? "";
      assert.equal((JSON.parse(disk) as { filename: string }).filename, `/d/${file}`);
      const pipe = args.find((argument) => argument.startsWith("pipe,")) ?? "";
      assert.equal(pipe, `pipe,id=charserial0,path=/d/${file.replaceAll(",", ",,")}`);
      assert.ok(args.includes(`guest=${name.trim().replaceAll(",", ",,")},debug-threads=on`));
    }),
    { ...settings, numRuns: Math.min(300, settings.numRuns ?? 300) },
  );
});
