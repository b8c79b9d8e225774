// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bigMachine, labMachine, noIommuMachine } from "../../test/fake-host/machines.ts";
import { isHostdevError } from "../core/errors.ts";
import { enumerateFunctions, findFunction } from "./enumerate.ts";
import { endpointsOf, hasIommuGroups, readIommuGroup } from "./iommu-group.ts";
import { readPciFunction } from "./pci-function.ts";

test("enumerateFunctions() lists functions in address order, as any user", () => {
  const functions = enumerateFunctions(labMachine().open().as("alex"));
  const addresses = functions.map((found) => found.address);
  assert.deepEqual(addresses, [...addresses].sort());
  assert.ok(addresses.includes("0000:04:01.0"));
});

test("enumerateFunctions() reads 4096 functions", () => {
  assert.ok(enumerateFunctions(bigMachine(4096).open()).length >= 4096);
});

test("readPciFunction() reads ids, class, driver, group and the host's names", () => {
  const found = readPciFunction(labMachine().open().as("alex"), "0000:01:00.0");
  assert.equal(found?.vendorId, 0x8086);
  assert.equal(found?.deviceId, 0x10d3);
  assert.equal(found?.classCode, 0x020000);
  assert.equal(found?.driver, "e1000e");
  assert.equal(found?.group, 11);
  assert.deepEqual(found?.hostNames, ["enp1s0"]);
  assert.equal(found?.isBridge, false);
});

test("readPciFunction() knows a bridge by its header, and says nothing of what is not there", () => {
  const host = labMachine().open().as("alex");
  assert.equal(readPciFunction(host, "0000:00:02.0")?.isBridge, true);
  assert.equal(readPciFunction(host, "0000:77:00.0"), undefined);
});

test("findFunction() takes an address or a name that the host gave", () => {
  const host = labMachine().open();
  for (const name of ["0000:02:00.0", "02:00.0", "pci_0000_02_00_0", "nvme0n1"]) {
    assert.equal(findFunction(host, name).address, "0000:02:00.0", name);
  }
});

test("findFunction() tells what is malformed from what is not there", () => {
  const host = labMachine().open();
  const code = (name: string) => {
    try {
      return findFunction(host, name).address;
    } catch (error) {
      return isHostdevError(error) ? error.code : String(error);
    }
  };
  assert.equal(code("0000:77:00.0"), "HD_DEVICE_NOT_FOUND");
  assert.equal(code("eth99"), "HD_DEVICE_NOT_FOUND");
  assert.equal(code("0000:01:00.9"), "HD_INVALID_ADDRESS");
  assert.equal(code(""), "HD_INVALID_ADDRESS");
});

test("readIommuGroup() lists members, and endpointsOf() leaves bridges out", () => {
  const group = readIommuGroup(labMachine().open(), 13);
  assert.ok(group !== undefined);
  assert.deepEqual(
    group.members.map((member) => member.address),
    ["0000:03:00.0", "0000:04:01.0", "0000:04:02.0", "0000:04:03.0"],
  );
  assert.deepEqual(
    endpointsOf(group).map((member) => member.address),
    ["0000:04:01.0", "0000:04:02.0", "0000:04:03.0"],
  );
  assert.equal(readIommuGroup(labMachine().open(), 99), undefined);
});

test("hasIommuGroups() is false on a machine without IOMMU", () => {
  assert.equal(hasIommuGroups(noIommuMachine().open()), false);
  assert.equal(hasIommuGroups(labMachine().open()), true);
});
