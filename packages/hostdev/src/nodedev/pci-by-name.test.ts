// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { desktopMachine, labMachine } from "../../test/fake-host/index.ts";
import { listNodeDevices } from "./list-node-devices.ts";
import { pciNodeDevice } from "./pci-by-name.ts";

test("pciNodeDevice() finds every PCI function as the list has it", () => {
  for (const machine of [labMachine(), desktopMachine()]) {
    const host = machine.build().open("alex");
    const listed = listNodeDevices(host).filter(({ type }) => type === "pci");
    assert.ok(listed.length > 5);
    for (const { name, parent, type, device } of listed) {
      const found = pciNodeDevice(host, name);
      assert.deepEqual(
        [found?.name, found?.parent, found?.type, found?.device.path],
        [name, parent, type, device.path],
      );
    }
  }
});

test("pciNodeDevice() finds nothing by other names", () => {
  const host = labMachine().build().open("alex");
  for (const name of ["computer", "pci_0000_99_00_0", "pci_0000_01_00_8", "pci_0000_01_00_0_", "pci_../../x", ""]) {
    assert.equal(pciNodeDevice(host, name), undefined);
  }
});
