// SPDX-License-Identifier: Apache-2.0

/** libvirt's own test domains, read where they lie: all are understood or refused by name, and survive being written. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { formatDomain, parseDomain } from "../../src/domain/parse.ts";
import { domainToNative } from "../../src/qemu/native.ts";
import { noPeerData, peerData } from "../peer-data.ts";

const accepted = peerData("domain-argv");
const refused = peerData("domain-errors");

test("domainToNative() knows most of libvirt's domains and refuses the others as unsupported", {
  skip: accepted === undefined && noPeerData,
}, () => {
  let known = 0;
  const names = xmlFiles(accepted);
  for (const name of names) {
    const error = errorOf(() => domainToNative(read(accepted, name), { file: name }));
    if (error === undefined) known++;
    else assert.ok(isHostdevError(error, "HD_DOMAIN_UNSUPPORTED"), `${name}: ${error}`);
  }
  assert.ok(known >= 0.8 * names.length, `${known} of ${names.length} are known`);
});

test("formatDomain() of libvirt's domains reads back as the same", {
  skip: accepted === undefined && noPeerData,
}, () => {
  for (const name of xmlFiles(accepted)) {
    const text = read(accepted, name);
    if (errorOf(() => parseDomain(text)) !== undefined) continue;
    const once = formatDomain(parseDomain(withUuids(text)), "live");
    assert.equal(formatDomain(parseDomain(once), "live"), once, name);
  }
});

test("parseDomain() refuses what libvirt refuses, naming the element", {
  skip: refused === undefined && noPeerData,
}, (context) => {
  const names = xmlFiles(refused);
  const errors = names.map((name) => errorOf(() => domainToNative(read(refused, name), { file: name })));
  const count = errors.filter((error) => error !== undefined).length;
  for (const error of errors)
    if (error !== undefined) assert.match(String(error), /HostdevError: Cannot (use <|read XML at)/);
  const passed = names.filter((_, index) => errors[index] === undefined);
  context.diagnostic(`${count} of ${names.length} are refused; not refused: ${passed.join(", ")}`);
  assert.ok(count >= 0.9 * names.length, `${count} of ${names.length} are refused`);
});

function xmlFiles(folder: string | undefined): string[] {
  return readdirSync(folder ?? ".").filter((name) => name.endsWith(".xml"));
}

function read(folder: string | undefined, name: string): string {
  return readFileSync(join(folder ?? ".", name), "utf8");
}

/** Identifiers that are made up when absent, written down. */
function withUuids(text: string): string {
  return text.replace("<genid/>", "<genid>00010203-0405-4607-8809-0a0b0c0d0e0f</genid>");
}

function errorOf(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error;
  }
}
