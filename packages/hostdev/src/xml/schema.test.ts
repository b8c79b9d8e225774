// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../core/errors.ts";
import { originOf } from "./complaint.ts";
import { raw } from "./raw.ts";
import { readXml } from "./reader.ts";
import {
  attribute,
  child,
  childAttribute,
  childAttributes,
  choice,
  content,
  fallback,
  flag,
  implied,
  leaf,
  list,
  object,
  required,
  type Schema,
  variants,
} from "./schema.ts";
import { size } from "./sizes.ts";
import { anyText, integer, oneOf, yesNo } from "./values.ts";
import { writeXml } from "./writer.ts";

const read = <T>(schema: Schema<T>, text: string): T => schema.read(readXml(text), "");
const write = <T>(schema: Schema<T>, value: T): string => writeXml(schema.write(value, "a")).trim();

function refusal(schema: Schema<unknown>, text: string) {
  try {
    read(schema, text);
  } catch (error) {
    assert.ok(isHostdevError(error), String(error));
    return error;
  }
  return assert.fail(`${text} was accepted`);
}

const sample = object({
  kind: required(attribute("kind", oneOf("x", "y"))),
  port: attribute("port", integer(0, 9)),
  level: fallback(attribute("level", integer()), 3),
  quiet: implied(attribute("quiet", yesNo), false),
  title: leaf("title", anyText),
  boot: childAttribute("boot", "order", integer()),
  names: childAttributes("name", "value", anyText),
  shared: flag("shared"),
  parts: list("part", object({ text: content(anyText) })),
});

test("object() reads what its fields say and fills in what they imply", () => {
  assert.deepEqual(read(sample, "<a kind='x'/>"), {
    kind: "x",
    level: 3,
    quiet: false,
    names: [],
    shared: false,
    parts: [],
  });
});

test("object() writes in the order of its fields, whatever the order read", () => {
  const text =
    "<a level='1' kind='y'><part>two</part><shared/><name value='n'/><boot order='4'/><title>t</title><part/></a>";
  const value = read(sample, text);
  const written =
    "<a kind='y' level='1'>\n  <title>t</title>\n  <boot order='4'/>\n  <name value='n'/>\n  <shared/>\n  <part>two</part>\n  <part/>\n</a>";
  assert.equal(write(sample, value), written);
  assert.deepEqual(read(sample, written), value);
});

test("object() refuses what nobody asked for, and says what there is", () => {
  const attributeError = refusal(sample, "<a kind='x' color='red'/>");
  assert.equal(attributeError.code, "HD_DOMAIN_UNSUPPORTED");
  assert.match(
    attributeError.message,
    /^Cannot use <a> at line 1, column \d+: attribute color="red" is not supported here$/,
  );
  assert.match(attributeError.hint ?? "", /kind, port, level or quiet/);
  assert.match(
    refusal(sample, "<a kind='x'><extra/></a>").message,
    /<extra> at line 1, column 13: this element is not supported inside <a>/,
  );
  assert.match(refusal(sample, "<a kind='x'>text</a>").message, /the text "text" is not expected/);
  assert.match(refusal(sample, "<a kind='x'><shared deep='1'/></a>").message, /attribute deep="1"/);
  assert.match(refusal(sample, "<a kind='x'><q:title xmlns:q='urn:q'/></a>").message, /<q:title>/);
});

test("object() tells wrong values from unknown ones", () => {
  assert.equal(refusal(sample, "<a kind='z'/>").code, "HD_DOMAIN_UNSUPPORTED");
  assert.equal(refusal(sample, "<a kind='x' port='10'/>").code, "HD_DOMAIN_INVALID");
  assert.match(
    refusal(sample, "<a kind='x' port='10'/>").message,
    /attribute port="10" is not a whole number from 0 to 9/,
  );
  assert.match(refusal(sample, "<a/>").message, /attribute 'kind' is missing/);
  assert.match(refusal(sample, "<a kind='x'><title/><title/></a>").message, /given twice/);
});

test("object() remembers where it was read", () => {
  const value = read(object({ b: child("b", object({})) }), "<a>\n  <b/>\n</a>");
  assert.deepEqual(originOf(value.b ?? {}), { path: "a/b", position: { line: 2, column: 3 } });
});

test("variants() chooses the fields by an attribute", () => {
  const schema = variants(
    "type",
    { file: { file: attribute("file", anyText) }, block: { dev: attribute("dev", anyText) } },
    "file",
  );
  assert.deepEqual(read(schema, "<a type='block' dev='d'/>"), { type: "block", dev: "d" });
  assert.deepEqual(read(schema, "<a file='f'/>"), { type: "file", file: "f" });
  assert.equal(write(schema, { type: "file", file: "f" }), "<a type='file' file='f'/>");
  assert.match(refusal(schema, "<a type='block' file='f'/>").message, /attribute file="f" is not supported here/);
  assert.match(refusal(schema, "<a type='toString'/>").message, /type="toString" is not supported/);
});

test("choice() chooses a schema by an attribute that it leaves to it", () => {
  const mode = (name: "x" | "y") => required(attribute("mode", oneOf(name)));
  const schema = choice("mode", {
    x: object({ mode: mode("x") }),
    y: object({ mode: mode("y"), n: attribute("n", integer()) }),
  });
  assert.deepEqual(read(schema, "<a mode='y' n='1'/>"), { mode: "y", n: 1 });
  assert.equal(write(schema, { mode: "x" }), "<a mode='x'/>");
  assert.equal(refusal(schema, "<a mode='z'/>").code, "HD_DOMAIN_UNSUPPORTED");
});

test("size() reads all units as KiB, rounded up", () => {
  const kib = (text: string) => read(size(), text);
  assert.equal(kib("<a>5</a>"), 5);
  assert.equal(kib("<a unit='MiB'>3</a>"), 3072);
  assert.equal(kib("<a unit='bytes'>1025</a>"), 2);
  assert.equal(kib("<a unit='G'>1</a>"), 1048576);
  assert.equal(kib("<a unit='MB'>1</a>"), 977);
  assert.equal(write(size(), 5), "<a unit='KiB'>5</a>");
  for (const text of ["<a unit='ell'>1</a>", "<a>-1</a>", "<a>x</a>", "<a unit='EiB'>99999</a>"]) {
    assert.equal(refusal(size(), text).code, "HD_DOMAIN_INVALID", text);
  }
});

test("raw() keeps elements with their namespaces, even those declared further out", () => {
  const keeper = object({ metadata: child("metadata", raw) });
  const text = "<a xmlns:o='urn:o'><metadata><o:b o:c='1'><d xmlns='urn:d'>t</d></o:b></metadata></a>";
  const written = write(keeper, read(keeper, text));
  assert.equal(
    written,
    "<a>\n  <metadata>\n    <o:b xmlns:o='urn:o' o:c='1'>\n      <d xmlns='urn:d'>t</d>\n    </o:b>\n  </metadata>\n</a>",
  );
  assert.equal(write(keeper, read(keeper, written)), written);
});
