// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseUdevRecord, parseUevent } from "./udev-record.ts";

test("parseUdevRecord() takes properties and links, and nothing else", () => {
  const text =
    "S:disk/by-id/b\nS:disk/by-id/a\nL:-100\nI:79864251\nE:ID_MODEL=A = B\nE:ID_BUS=\nG:systemd\nQ:seat\nV:1\n";
  const { properties, links } = parseUdevRecord(text);
  assert.deepEqual(
    [...properties],
    [
      ["ID_MODEL", "A = B"],
      ["ID_BUS", ""],
    ],
  );
  assert.deepEqual(links, ["/dev/disk/by-id/a", "/dev/disk/by-id/b"]);
});

test("parseUevent() takes lines with a name and a value", () => {
  assert.deepEqual(
    [...parseUevent("DRIVER=e1000e\nPCI_CLASS=20000\n=x\nnothing\n")],
    [
      ["DRIVER", "e1000e"],
      ["PCI_CLASS", "20000"],
    ],
  );
});

test("parseUdevRecord() and parseUevent() take any text", () => {
  const line = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("E:", "S:", "E:=", "E:A", "S", "\0", "E:A=\r"));
  fc.assert(
    fc.property(fc.array(line), (texts) => {
      const text = texts.join("\n");
      const { properties, links } = parseUdevRecord(text);
      assert.deepEqual(links, [...new Set(links)].sort());
      for (const name of [...properties.keys(), ...parseUevent(text).keys()]) assert.match(name, /^[^=\n]+$/);
    }),
  );
});

test("parseUdevRecord() gives back every property and link that was written", () => {
  const word = fc.stringMatching(/^[A-Z][A-Z_0-9]{0,20}$/);
  const value = fc.string().map((text) => text.replaceAll("\n", ""));
  fc.assert(
    fc.property(fc.dictionary(word, value), fc.uniqueArray(value), (properties, links) => {
      const text = [...Object.entries(properties).map(([k, v]) => `E:${k}=${v}`), ...links.map((l) => `S:${l}`)].join(
        "\n",
      );
      const read = parseUdevRecord(text);
      assert.deepEqual(Object.fromEntries(read.properties), { ...properties });
      assert.deepEqual(read.links, links.map((link) => `/dev/${link}`).sort());
    }),
  );
});
