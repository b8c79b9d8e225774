// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "./parse.ts";
import { unappliedSettings } from "./unapplied.ts";

test("unappliedSettings() is empty for an ordinary domain", () => {
  assert.deepEqual(unappliedSettings(parseDomain(sampleDomain())), []);
});

test("unappliedSettings() names what needs a privileged daemon", () => {
  const body =
    "<memtune><hard_limit>1</hard_limit></memtune><vcpu cpuset='0'>1</vcpu><cputune><shares>9</shares></cputune>";
  const devices = "<hostdev type='pci' managed='yes'><source><address bus='1'/></source></hostdev>";
  const notes = unappliedSettings(parseDomain(sampleDomain({ body, devices })));
  assert.deepEqual(
    notes.map((note) => note.split(" ")[0]),
    ["CPU", "memory", "managed='yes':"],
  );
});
