// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";

const { section } = labScenario();

/** What is asked, by root, and the exit status and code that it must give. */
const refused: readonly (readonly [arguments_: string, status: number, code: string])[] = [
  ["grant 77:00.0 --to alex", 3, "HD_DEVICE_NOT_FOUND"],
  ["grant 0000:01:00.9 --to alex", 2, "HD_INVALID_ADDRESS"],
  ["grant ../../etc --to alex", 2, "HD_INVALID_ADDRESS"],
  ["grant eth99 --to alex", 3, "HD_DEVICE_NOT_FOUND"],
  ["grant 01:00.0 --to nobody-here", 3, "HD_USER_NOT_FOUND"],
  ["grant 01:00.0 --to --help", 3, "HD_USER_NOT_FOUND"],
  ["grant 01:00.0 --to root", 2, "HD_USER_IS_ROOT"],
  ["grant 01:00.0 --to alex --memory 0", 2, "HD_INVALID_ARGUMENT"],
  ["grant 01:00.0 --to alex --memory lots", 2, "HD_INVALID_ARGUMENT"],
  ["grant 01:00.0 --to alex --memory 64GiB", 6, "HD_MEMORY_EXCEEDS_HOST"],
  ["grant 00:01.0 --to alex", 2, "HD_IS_BRIDGE"],
  ["grant 00:00.0 --to alex", 2, "HD_IS_PLATFORM"],
  ["grant vda --to alex", 4, "HD_IN_USE"],
  ["grant 01:00.0 --to alex --hold 02:00.0", 2, "HD_NOT_A_MATE"],
  ["grant 04:02.0 --to alex", 4, "HD_MATES_NOT_ACCEPTED"],
  ["grant 04:02.0 --to alex --hold-mates", 4, "HD_NO_RESET"],
  ["grant 04:01.0 --to alex --hold-mates", 4, "HD_NO_RESET"], // it lists `bus`, which has others on it
  ["revoke 01:00.0", 3, "HD_NOT_GRANTED"],
  ["revoke 77:00.0", 3, "HD_DEVICE_NOT_FOUND"],
];

section("hostdev-admin refuses bad input with one clear error, and changes nothing", async (lab) => {
  const before = await takeSnapshot(lab);
  for (const [line, status, code] of refused) {
    const result = await lab.root(`hostdev-admin ${line}`);
    assert.equal(result.code, status, `${line}\n${result.stderr}`);
    assert.match(result.stderr, new RegExp(`code: ${code}`), line);
    assert.match(result.stderr, /hint: /, line);
  }
  assert.equal((await lab.root("hostdev-admin grant 01:00.0")).code, 2);
  assert.equal((await lab.root("hostdev-admin frobnicate")).code, 2);
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
});

section("what is lent already is refused, to the same user and to another", async (lab) => {
  await lab.root("hostdev-admin grant 01:00.0 --to alex --memory 256MiB", { check: true });
  const before = await takeSnapshot(lab);
  for (const user of ["alex", "blake"]) {
    const { code, stderr } = await lab.root(`hostdev-admin grant 01:00.0 --to ${user}`);
    assert.equal(code, 7);
    assert.match(stderr, /is lent to alex/);
  }
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  await lab.root("hostdev-admin revoke 01:00.0", { check: true });
});

section("hostdev check refuses what is no domain, each with its place", async (lab) => {
  const cases: readonly (readonly [text: string, status: number, code: string])[] = [
    ["this is no XML", 2, "HD_XML_SYNTAX"],
    ["<domain type='kvm'><name>x</name>", 2, "HD_XML_SYNTAX"],
    ["<!DOCTYPE d [<!ENTITY e 'x'>]><domain type='kvm'/>", 2, "HD_XML_(SYNTAX|LIMIT)"],
    ["<network><name>x</name></network>", 2, "HD_DOMAIN_INVALID"],
    ["<domain type='xen'><name>x</name></domain>", 9, "HD_DOMAIN_(UNSUPPORTED|INVALID)"],
    [
      "<domain type='kvm'><name>x</name><memory>1</memory><os><type>hvm</type></os><frob/></domain>",
      9,
      "HD_DOMAIN_UNSUPPORTED",
    ],
  ];
  for (const [text, status, code] of cases) {
    await writeFile(join(lab.exchangeDirectory, "bad.xml"), text);
    const result = await lab.alex("hostdev check /opt/lab/exchange/bad.xml");
    assert.match(result.stderr, new RegExp(`code: ${code}`), text);
    assert.ok(result.code === status || (status === 9 && result.code === 2), `${text}: ${result.code}`);
    assert.match(result.stderr, /bad\.xml:\d+:\d+/, text);
  }
  assert.equal((await lab.alex("hostdev check /no/such/file.xml")).code, 4);
});
