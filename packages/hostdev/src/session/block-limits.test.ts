// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { changeLimits, contradiction, throttleArguments } from "./block-limits.ts";

const limits = (
  ...changes: Parameters<typeof changeLimits>[1] extends ReadonlyMap<infer K, number> ? [K, number][] : never
) => new Map(changes);

test("changeLimits() keeps what is not spoken of, takes 0 away, and has either a total or each way", () => {
  const present = { totalBytesSec: 100, readIopsSec: 5, groupName: "slow" };
  assert.deepEqual(changeLimits(present, limits(["writeBytesSec", 7])), {
    writeBytesSec: 7,
    readIopsSec: 5,
    groupName: "slow",
  });
  assert.deepEqual(changeLimits(present, limits(["totalIopsSec", 9], ["totalBytesSec", 0])), {
    totalIopsSec: 9,
    groupName: "slow",
  });
  assert.equal(changeLimits({ totalBytesSec: 100 }, limits(["totalBytesSec", 0])), undefined);
});

test("contradiction() names what is limited in both ways", () => {
  assert.equal(contradiction(limits(["totalIopsSecMax", 1], ["readIopsSecMax", 1])), "iops_sec_max");
  assert.equal(contradiction(limits(["totalIopsSec", 1], ["readBytesSec", 1], ["writeIopsSec", 0])), undefined);
});

test("throttleArguments() names the drive, and takes away the limits that are not there", () => {
  const devices = "<disk type='file'><source file='/a'/><target dev='vdb' bus='virtio'/></disk>";
  const [disk] = parseDomain(sampleDomain({ devices })).devices.disks;
  assert.ok(disk);
  const none = { bps: 0, bps_rd: 0, bps_wr: 0, iops: 0, iops_rd: 0, iops_wr: 0 };
  const id = "/machine/peripheral/virtio-disk1/virtio-backend";
  assert.deepEqual(throttleArguments(disk, undefined), { id, ...none });
  const some = throttleArguments(disk, { readBytesSec: 9, readBytesSecMax: 18, groupName: "g" });
  assert.deepEqual(some, { id, ...none, bps_rd: 9, bps_rd_max: 18, group: "g" });
});
