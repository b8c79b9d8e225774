// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../core/errors.ts";
import { at, readXml, xmlLimits } from "./reader.ts";

function errorOf(text: string) {
  try {
    readXml(text, { file: "f.xml" });
  } catch (error) {
    assert.ok(isHostdevError(error));
    return error;
  }
  return assert.fail("it was accepted");
}

test("readXml() gives elements, attributes and text in their order", () => {
  const root = readXml("<a x='1' y='2'><b>one</b><c/>two<![CDATA[<3>]]></a>");
  assert.equal(root.name, "a");
  assert.deepEqual(
    root.attributes.map(({ name, value }) => [name, value]),
    [
      ["x", "1"],
      ["y", "2"],
    ],
  );
  assert.deepEqual(
    root.children.map(({ name, text }) => [name, text]),
    [
      ["b", "one"],
      ["c", ""],
    ],
  );
  assert.equal(root.text, "two<3>");
});

test("readXml() says where every element starts", () => {
  const root = readXml("<a>\n  <b\n  x='1'/>\n  <c/></a>", { file: "f.xml" });
  const [b, c] = root.children;
  assert.deepEqual(b?.position, { file: "f.xml", line: 2, column: 1 });
  assert.deepEqual(c?.position, { file: "f.xml", line: 4, column: 3 });
  assert.equal(b?.attributes[0]?.position.line, 3);
});

test("readXml() resolves namespaces", () => {
  const root = readXml("<a xmlns:q='urn:q'><q:b/></a>");
  assert.deepEqual(
    root.children.map(({ localName, uri }) => [localName, uri]),
    [["b", "urn:q"]],
  );
});

test("readXml() refuses what is not well-formed, with its place", () => {
  const error = errorOf("<a>\n <b></a>");
  assert.equal(error.code, "HD_XML_SYNTAX");
  assert.match(error.message, /^Cannot read XML at f\.xml:2:/);
});

test("readXml() refuses an empty text", () => {
  assert.equal(errorOf("").code, "HD_XML_SYNTAX");
});

test("readXml() refuses a document type, and with it entities", () => {
  const bomb = "<!DOCTYPE a [<!ENTITY x 'xxxxxxxxxx'><!ENTITY y '&x;&x;'>]><a>&y;</a>";
  assert.match(errorOf(bomb).message, /document type/);
  assert.equal(errorOf("<a>&unknown;</a>").code, "HD_XML_SYNTAX");
});

test("readXml() refuses documents beyond its limits", () => {
  assert.equal(errorOf(" ".repeat(xmlLimits.characters + 1)).code, "HD_XML_LIMIT");
  assert.equal(errorOf("<a>".repeat(xmlLimits.depth + 1)).code, "HD_XML_LIMIT");
  assert.equal(errorOf(`<a>${"<b/>".repeat(xmlLimits.elements)}</a>`).code, "HD_XML_LIMIT");
  assert.equal(errorOf(`<a b='${"x".repeat(xmlLimits.valueCharacters + 1)}'/>`).code, "HD_XML_LIMIT");
  assert.equal(errorOf(`<a>${"x".repeat(xmlLimits.valueCharacters + 1)}</a>`).code, "HD_XML_LIMIT");
  const attributes = Array.from({ length: xmlLimits.attributesPerElement + 1 }, (_, index) => `a${index}=''`);
  assert.equal(errorOf(`<a ${attributes.join(" ")}/>`).code, "HD_XML_LIMIT");
});

test("at() writes a position with and without a file", () => {
  assert.equal(at({ file: "vm.xml", line: 3, column: 7 }), "vm.xml:3:7");
  assert.equal(at({ line: 3, column: 7 }), "line 3, column 7");
});

test("readXml() refuses bombs, deep nesting and 100 MB at once", () => {
  const bomb = `<!DOCTYPE d [<!ENTITY a "${"x".repeat(1000)}"><!ENTITY b "${"&a;".repeat(1000)}">]><d>&b;</d>`;
  const started = performance.now();
  assert.equal(errorOf(bomb).code, "HD_XML_SYNTAX");
  assert.equal(errorOf("<a>".repeat(1_000_000)).code, "HD_XML_LIMIT");
  assert.equal(errorOf(`<a>${"<b/>".repeat(1_000_000)}</a>`).code, "HD_XML_LIMIT");
  assert.equal(
    errorOf(`<a ${Array.from({ length: 100_000 }, (_, n) => `b${n}='1'`).join(" ")}/>`).code,
    "HD_XML_LIMIT",
  );
  assert.equal(errorOf(" ".repeat(100_000_000)).code, "HD_XML_LIMIT");
  assert.ok(performance.now() - started < 5000, "it took longer than 5 s"); // 0.3 s on an idle machine
});
