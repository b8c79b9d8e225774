// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { cpusOfVcpu, fromCpuMap, toCpuMap } from "./affinity.ts";

test("maps of processors have the first one in the lowest bit, and no more than fits", () => {
  assert.deepEqual([...toCpuMap([0, 3, 9, 40], 2)], [0b1001, 0b10]);
  assert.deepEqual(fromCpuMap(Uint8Array.of(0b1001, 0b10)), [0, 3, 9]);
});

test("cpusOfVcpu() takes a processor's own pin before that of all", () => {
  const body = "<vcpu cpuset='0-3'>2</vcpu><cputune><vcpupin vcpu='1' cpuset='2'/></cputune>";
  const domain = parseDomain(sampleDomain({ body }));
  assert.deepEqual(cpusOfVcpu(domain, 0), [0, 1, 2, 3]);
  assert.deepEqual(cpusOfVcpu(domain, 1), [2]);
  assert.equal(cpusOfVcpu(parseDomain(sampleDomain({})), 0), undefined);
});
