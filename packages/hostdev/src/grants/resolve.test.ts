// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeMachine, FunctionOptions } from "../../test/fake-host/index.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import type { Topology } from "../../test/fake-host/topology.ts";
import { MiB } from "../core/units.ts";
import type { Grant, GrantRequest } from "./grant.ts";
import { grantDevice } from "./grant-device.ts";
import { readCandidates } from "./read-candidates.ts";
import { resolveGrant } from "./resolve.ts";

const request: GrantRequest = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const nic: FunctionOptions = { ids: "8086:10d3", driver: "e1000e", net: "enp1s0", serial: "525400ffff123456" };
/** The same model without a serial number of any kind. */
const nameless: FunctionOptions = { ids: "10ec:8168", class: "020000", driver: "r8169" };

async function lend(machine: FakeMachine, change: Partial<GrantRequest> = {}): Promise<Grant> {
  return grantDevice(machine.open(), { ...request, ...change });
}

/** Reboots with other hardware, and looks for the grant's endpoints. */
function resolveAfter(machine: FakeMachine, grant: Grant, change: (topology: Topology) => void) {
  machine.reboot(change);
  return resolveGrant(grant, readCandidates(machine.open(), [grant]));
}

/** Takes a function out and puts it in elsewhere, as it is. */
function move(topology: Topology, from: string, to: string, change: FunctionOptions = {}): void {
  const spec = topology.functions.get(from);
  assert.ok(spec !== undefined);
  topology.functions.delete(from);
  topology.add({ ...spec, ...change, address: to });
}

test("resolveGrant() finds the same card in the same slot, whatever its group is now", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine);
  const found = resolveAfter(machine, grant, (topology) => topology.change("0000:01:00.0", { group: 77 }));
  assert.ok(found.isResolved);
  assert.equal(found.group, 77);
  assert.equal(found.endpoints[0]?.address, "0000:01:00.0");
});

test("resolveGrant() finds the card when a bus in front of it shifts its address, and not who has its address", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine);
  const found = resolveAfter(machine, grant, (topology) => {
    // A port before all others: its card gets bus 01, and what was there bus 07.
    topology.functions.delete("0000:00:02.0");
    move(topology, "0000:01:00.0", "0000:07:00.0", { group: 11 });
    for (const [address, secondary] of [
      ["0000:00:01.1", 1],
      ["0000:00:02.0", 7],
    ] as const) {
      const bridge = { secondary, subordinate: secondary, portType: 4 } as const;
      topology.add({ address, ids: "1b36:000c", class: "060400", bridge });
    }
    topology.add({ ...nic, address: "0000:01:00.0", serial: "0000000000000009" });
  });
  assert.ok(found.isResolved, JSON.stringify(found));
  assert.equal(found.endpoints[0]?.address, "0000:07:00.0");
});

test("resolveGrant() takes a card in another slot only by its serial number", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine);
  const empty = "0000:05:00.0";
  const other = resolveAfter(machine, grant, (topology) => {
    topology.functions.delete(empty);
    move(topology, "0000:01:00.0", empty, { group: 14, serial: "525400ffff999999" });
  });
  assert.equal(!other.isResolved && other.problem, "missing");
  assert.match(other.isResolved ? "" : other.reason, /is not there; 0000:05:00\.0 is of its kind, but by no serial/);
  const same = resolveAfter(machine, grant, (topology) => topology.change(empty, { serial: "525400ffff123456" }));
  assert.ok(same.isResolved);
  assert.deepEqual(same.endpoints[0]?.identity.path, ["pci0000:00", "05.0", "00.0"]);
});

test("resolveGrant() takes a card without a serial number by its slot, and nowhere else", async () => {
  const machine = labMachine()
    .function("0000:00:07.0", { ...nameless, group: 40 })
    .build();
  const grant = await lend(machine, { device: "00:07.0" });
  assert.ok(resolveAfter(machine, grant, () => {}).isResolved);
  const moved = resolveAfter(machine, grant, (topology) => move(topology, "0000:00:07.0", "0000:00:08.0"));
  assert.equal(!moved.isResolved && moved.problem, "missing");
});

test("resolveGrant() takes neither another card nor a twin in the same slot", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine);
  const slot = "0000:01:00.0";
  const changes: readonly (readonly [FunctionOptions, RegExp])[] = [
    [{ ids: "10ec:8168" }, /another card is in the slot of 0000:01:00\.0: 10ec:8168 .* instead of 8086:10d3/],
    [{ ids: "8086:10d3", revision: 3 }, /rev 03\) instead of .*rev 00/],
    [{ revision: 0, subsystem: "8086:0001" }, /subsystem 8086:0001/],
    [{ subsystem: "1af4:1100", class: "028000" }, /another card/],
    [
      { class: "020000", serial: "525400ffff999999" },
      /a twin is in the slot of .*ff-99-99-99 .* instead of .*ff-12-34-56/,
    ],
  ];
  for (const [change, reason] of changes) {
    const found = resolveAfter(machine, grant, (topology) => topology.change(slot, change));
    assert.equal(!found.isResolved && found.problem, "different", JSON.stringify(change));
    assert.match(found.isResolved ? "" : found.reason, reason);
  }
});

test("resolveGrant() tells twins that have swapped their slots, by their serial numbers", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine);
  const found = resolveAfter(machine, grant, (topology) => {
    topology.change("0000:01:00.0", { serial: "525400ffff999999" });
    topology.functions.delete("0000:05:00.0");
    topology.add({ ...nic, address: "0000:05:00.0", net: "enp5s0", group: 14 });
  });
  assert.ok(found.isResolved);
  assert.equal(found.endpoints[0]?.address, "0000:05:00.0");
});

test("resolveGrant() trusts no serial number that several cards bear, and none of zeros", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine);
  const twice = resolveAfter(machine, grant, (topology) => {
    for (const address of ["0000:05:00.0", "0000:06:00.0"]) {
      topology.functions.delete(address);
      topology.add({ ...nic, address, net: `eth${address[6]}` });
    }
    topology.functions.delete("0000:01:00.0");
  });
  assert.match(twice.isResolved ? "" : twice.reason, /0000:05:00\.0 and 0000:06:00\.0 bear the same serial number/);

  const zeros = labMachine().build();
  zeros.reboot((topology) => topology.change("0000:01:00.0", { serial: "0000000000000000", net: undefined as never }));
  const second = await lend(zeros);
  const moved = resolveAfter(zeros, second, (topology) => {
    topology.functions.delete("0000:05:00.0");
    move(topology, "0000:01:00.0", "0000:05:00.0", { group: 14 });
  });
  assert.equal(!moved.isResolved && moved.problem, "missing");
});

test("resolveGrant() wants all endpoints in one group, and nothing else in it", async () => {
  const machine = labMachine().build();
  const grant = await lend(machine, { device: "04:02.0", hold: ["0000:04:01.0", "0000:04:03.0"], acceptNoReset: true });
  const changes: readonly (readonly [(topology: Topology) => void, RegExp])[] = [
    [(topology) => topology.change("0000:04:03.0", { group: 50 }), /no longer in one IOMMU group/],
    [(topology) => topology.change("0000:04:03.0", { group: null }), /no longer in one IOMMU group/],
    [
      (topology) => {
        topology.change("0000:04:03.0", { group: 13 });
        topology.add({ address: "0000:04:04.0", ids: "10ec:8139", group: 13 });
      },
      /IOMMU group 13 has 0000:04:04\.0 too now/,
    ],
    [
      (topology) => {
        topology.functions.delete("0000:04:04.0");
        topology.functions.delete("0000:04:01.0");
      },
      /0000:04:01\.0 .* is not there/,
    ],
  ];
  assert.ok(resolveAfter(machine, grant, () => {}).isResolved);
  for (const [change, reason] of changes) {
    const found = resolveAfter(machine, grant, change);
    assert.match(found.isResolved ? "resolved" : found.reason, reason);
  }
});

test("resolveGrant() finds a virtual function by its PF's slot and its index", async () => {
  const machine = labMachine().build();
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  const [, second] = machine.function("0000:05:00.0").virtuals;
  const grant = await lend(machine, { device: second?.address ?? "" });
  assert.equal(grant.endpoints[0]?.identity.virtualFunctionIndex, 1);
  const without = resolveAfter(machine, grant, () => {});
  assert.equal(!without.isResolved && without.problem, "missing");
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  assert.ok(resolveGrant(grant, readCandidates(machine.open(), [grant])).isResolved);
});
