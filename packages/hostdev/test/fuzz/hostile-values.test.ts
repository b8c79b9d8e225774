// SPDX-License-Identifier: Apache-2.0

/**
 * Whatever a user writes into names, paths and serials stays a value: the command line is that of the same domain with
 * harmless values, with each replaced by the hostile one, spelled as QEMU reads it.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseDomain } from "../../src/domain/parse.ts";
import { buildArguments } from "../../src/qemu/arguments.ts";
import { referenceEnvironment } from "../../src/qemu/reference.ts";
import { escapeXml } from "../../src/xml/writer.ts";

const places = [
  "NAME",
  "TITLE",
  "DISK",
  "LOG",
  "CHANNEL",
  "TAP",
  "KERNEL",
  "CMDLINE",
  "SMBIOS",
  "SOCKET",
  "ARGUMENT",
] as const;
type Values = Readonly<Record<(typeof places)[number], string>>;

const xml = (v: Values) => `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${escapeXml(v.NAME)}</name><uuid>5a1f0c3e-1111-4c6e-9a01-0000000000ff</uuid><title>${escapeXml(v.TITLE)}</title>
  <memory unit='MiB'>64</memory>
  <sysinfo type='smbios'><system><entry name='product'>${escapeXml(v.SMBIOS)}</entry></system></sysinfo>
  <os><type arch='x86_64' machine='pc'>hvm</type><kernel>/k/${escapeXml(v.KERNEL)}</kernel><cmdline>x${escapeXml(v.CMDLINE)}</cmdline>
    <smbios mode='sysinfo'/></os>
  <devices>
    <disk type='file'><source file='/d/${escapeXml(v.DISK)}'/><target dev='vda' bus='virtio'/></disk>
    <interface type='ethernet'><mac address='52:54:00:00:00:01'/><target dev='t${escapeXml(v.TAP)}' managed='no'/></interface>
    <serial type='file'><source path='/l/${escapeXml(v.LOG)}'/></serial>
    <channel type='unix'><source mode='bind' path='/s/${escapeXml(v.SOCKET)}'/>
      <target type='virtio' name='c${escapeXml(v.CHANNEL)}'/></channel>
  </devices>
  <qemu:commandline><qemu:arg value='${escapeXml(v.ARGUMENT)}'/></qemu:commandline>
</domain>`;

function argumentsOf(values: Values): string[] {
  const domain = parseDomain(xml(values));
  const { descriptors: _, ...environment } = referenceEnvironment(domain, { major: 7, minor: 2 });
  return buildArguments(domain, { ...environment, descriptors: {} });
}

/** The placeholders are words that stand nowhere else. */
const harmless = Object.fromEntries(places.map((place) => [place, `zz${place}zz`])) as Values;

/** What an argument has to be when its placeholders are replaced. */
function expected(argument: string, values: Values): string {
  const isJson = argument.startsWith("{");
  return places.reduce((text, place) => {
    const value = values[place];
    const isWhole = text === harmless[place] || /^(\/k\/|x)zz/.test(text); // arguments of options that take any text
    const spelled = isJson ? JSON.stringify(value).slice(1, -1) : isWhole ? value : value.replaceAll(",", ",,");
    return text.replaceAll(harmless[place], () => spelled);
  }, argument);
}

const pieces = [
  ",",
  ",,",
  "=",
  "id=x",
  ",readonly=on",
  '"',
  "'",
  "\\",
  "\\n",
  "{",
  "}",
  "[",
  "-S",
  " ",
  "$(id)",
  ";",
  "|",
  "&",
  "<",
  "%s",
  "../",
  "é",
  "😀",
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join("").replace(/[^\x20-\x7e\u00a0-\u{1f6ff}]|[\ud800-\udfff\ufffe\uffff]/gu, "_"))
  // Blanks at the ends of XML texts are not kept, and a name has no slash.
  .map((text) => `a${text.replaceAll("/", "|")}b`);

test("hostile values in a domain give exactly the intended arguments", () => {
  const template = argumentsOf(harmless);
  for (const place of places) {
    if (place === "TITLE") continue; // is for people only
    assert.ok(
      template.some((argument) => argument.includes(harmless[place])),
      place,
    );
  }
  fc.assert(
    fc.property(fc.record(Object.fromEntries(places.map((place) => [place, hostile]))), (record) => {
      const values = record as unknown as Values;
      assert.deepEqual(
        argumentsOf(values),
        template.map((argument) => expected(argument, values)),
      );
    }),
    { numRuns: 300, seed: 20261128 },
  );
});

test("line ends, which no option of QEMU can carry, are refused or kept inside of JSON", () => {
  for (const place of places) {
    const values = { ...harmless, [place]: "a\nb,id=evil" };
    let args: string[];
    try {
      args = argumentsOf(values);
    } catch {
      continue;
    }
    const template = argumentsOf(harmless);
    assert.deepEqual(
      args,
      template.map((argument) => expected(argument, values)),
      place,
    );
  }
});
