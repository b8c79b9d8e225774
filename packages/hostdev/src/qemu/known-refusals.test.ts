// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { knownRefusals } from "./known-refusals.ts";

const messages = (machine: string, devices: string) =>
  knownRefusals(parseDomain(sampleDomain({ machine, devices }))).map(({ message }) => message);
const rng = "<rng model='virtio'><driver iommu='on'/><backend model='builtin'/></rng>";

test("knownRefusals() finds a third disk on an IDE channel", () => {
  const disk = (unit: number) =>
    `<disk type='file'><source file='/d'/><target dev='hda' bus='ide'/><address type='drive' unit='${unit}'/></disk>`;
  assert.match(messages("pc", disk(2)).join(), /<disk> .*: unit 2 does not exist/);
  assert.deepEqual(messages("pc", disk(1)), []);
});

test("knownRefusals() finds devices that cannot be behind the guest's IOMMU", () => {
  assert.match(messages("pc", rng).join(), /<rng> .*: iommu='on' is not for a device on the root bus/);
  assert.deepEqual(messages("q35", rng), []);
  assert.deepEqual(messages("pc", rng.replace("'virtio'", "'virtio-non-transitional'")), []);
});

test("knownRefusals() finds an IOMMU that would not hear of the guest's mappings", () => {
  const hostdev = "<hostdev type='pci'><source><address bus='1'/></source></hostdev>";
  assert.match(messages("q35", `${hostdev}<iommu model='intel'/>`).join(), /<iommu> .*: .*caching_mode='on'/);
  assert.deepEqual(messages("q35", `${hostdev}<iommu model='intel'><driver caching_mode='on'/></iommu>`), []);
  assert.deepEqual(messages("q35", "<iommu model='intel'/>"), []);
});
