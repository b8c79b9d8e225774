// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { checkDevice } from "./check-device.ts";

test("checkDevice() takes a virtual function, whose ids in config space are all ones, for one that answers", () => {
  const machine = labMachine().bootModule("vfio-pci").build();
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "1");
  const address = "0000:05:10.0";
  machine.rebind(address, "vfio-pci");
  const group = machine.function(address).group ?? 0;
  machine.open().setOwnership(`/dev/vfio/${group}`, { uid: 1000, gid: 0, mode: 0o600 });
  const findings = checkDevice(machine.open("alex"), address, { hostDevices: [address], memoryBytes: 256 << 20 });
  assert.deepEqual(
    findings.filter(({ level }) => level === "failure"),
    [],
  );
  machine.function(address).config.fill(0xff);
  const gone = checkDevice(machine.open("alex"), address, { hostDevices: [address], memoryBytes: 256 << 20 });
  assert.ok(gone.some(({ code }) => code === "HD_DEVICE_INSANE"));
});
