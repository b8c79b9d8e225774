// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { domainState, stateReason } from "./domain-state.ts";
import { fillLiveDefaults } from "./live-defaults.ts";
import { reactTo } from "./vm-events.ts";

const devices =
  "<disk type='file'><driver type='qcow2'/><source file='/a'/><target dev='vda' bus='virtio'/></disk>" +
  "<disk type='file'><driver type='qcow2'/><source file='/b'/><target dev='vdb' bus='virtio'/></disk>";
const domain = parseDomain(sampleDomain({ devices }));
fillLiveDefaults(domain, "/run/vm");
const running = { state: domainState.running, reason: stateReason.running.booted };
const view = { state: running, domain, isStarting: false, isRebooting: false };

test("an I/O error is one of the disk whose block node QEMU names, and may stop the guest", () => {
  const data = { device: "", "node-name": "libvirt-1-format", operation: "read", action: "stop", nospace: true };
  const { events, state } = reactTo({ event: "BLOCK_IO_ERROR", data }, view);
  assert.deepEqual(events[0], { kind: "io-error", path: "/b", alias: "virtio-disk1", action: 1, reason: "enospc" });
  assert.deepEqual(state, { state: domainState.paused, reason: stateReason.paused.ioError });
});

test("a write behind a mark is told with the disk and the number of its node", () => {
  const data = { "node-name": "libvirt-2-storage", "amount-exceeded": 512, "write-threshold": 4096 };
  assert.deepEqual(reactTo({ event: "BLOCK_WRITE_THRESHOLD", data }, view).events, [
    { kind: "block-threshold", device: "vda[2]", path: "/a", threshold: 4096, excess: 512 },
  ]);
  const other = { ...data, "node-name": "libvirt-9-storage" };
  assert.deepEqual(reactTo({ event: "BLOCK_WRITE_THRESHOLD", data: other }, view).events, []);
});

test("a processor that goes is no device to clients; the balloon's change is noted", () => {
  const gone = reactTo({ event: "DEVICE_DELETED", data: { device: "vcpu1" } }, view);
  assert.deepEqual(gone, { events: [], act: { kind: "device-gone", alias: "vcpu1" } });
  const { act } = reactTo({ event: "BALLOON_CHANGE", data: { actual: 65_536 } }, view);
  assert.deepEqual(act, { kind: "memory", actualKiB: 64 });
});
