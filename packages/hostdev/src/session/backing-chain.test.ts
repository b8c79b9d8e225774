// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { emptyQcow2 } from "../../test/integration/qemu-tools.ts";
import { realHost } from "../core/real-host.ts";
import { parseDomain } from "../domain/parse.ts";
import { withBackingChains } from "./backing-chain.ts";

const folder = mkdtempSync(join(tmpdir(), "hd-chain-"));
after(() => rmSync(folder, { recursive: true }));

/** A qcow2 image on top of another, whose name and format are in its header. */
function image(name: string, backing?: string): void {
  const bytes = Buffer.from(emptyQcow2(1 << 20));
  if (backing !== undefined) {
    bytes.writeUInt32BE(0xe279_2aca, 104);
    bytes.writeUInt32BE(5, 108);
    bytes.write("qcow2", 112);
    bytes.writeBigUInt64BE(512n, 8);
    bytes.writeUInt32BE(backing.length, 16);
    bytes.write(backing, 512);
  }
  writeFileSync(join(folder, name), bytes);
}

function chain(disk: string): unknown {
  const domain = parseDomain(sampleDomain({ devices: `<disk type='file'>${disk}<target dev='vda'/></disk>` }));
  return withBackingChains(realHost(), domain).devices.disks[0]?.backingStore;
}

test("withBackingChains() follows what images say of what they lie on top of, to the end", () => {
  image("base");
  image("middle", "base");
  image("top", join(folder, "middle"));
  const file = (name: string) => ({ type: "file", format: { type: "qcow2" }, source: { file: join(folder, name) } });
  const qcow2 = "<driver name='qemu' type='qcow2'/>";
  const end = { type: "none" };
  const expected = { ...file("middle"), backingStore: { ...file("base"), backingStore: end } };
  assert.deepEqual(chain(`${qcow2}<source file='${join(folder, "top")}'/>`), expected);
  assert.deepEqual(chain(`${qcow2}<source file='${join(folder, "base")}'/>`), end);
  assert.deepEqual(chain(`<driver name='qemu' type='raw'/><source file='${join(folder, "top")}'/>`), end);
  assert.equal(chain(`${qcow2}<source file='${join(folder, "none")}'/>`), undefined);
  image("ring", "ring");
  assert.ok(JSON.stringify(chain(`${qcow2}<source file='${join(folder, "ring")}'/>`)).length > 1000);
});
