// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { isHostdevError } from "../core/errors.ts";
import { readBinding, setBinding } from "./binding.ts";
import { loadModule, unloadModule } from "./modules.ts";

const nic = "0000:01:00.0";
const onVfio = { driver: "vfio-pci", override: "vfio-pci" };
const onHost = { driver: "e1000e", override: null };

async function prepared() {
  const host = labMachine().open();
  await loadModule(host, "vfio-pci");
  return host;
}

test("setBinding() binds to vfio-pci and back, exactly", async () => {
  const host = await prepared();
  await setBinding(host, nic, onVfio);
  assert.deepEqual(readBinding(host, nic), onVfio);
  await setBinding(host, nic, onHost);
  assert.deepEqual(readBinding(host, nic), onHost);
});

test("setBinding() writes the override before it unbinds", async () => {
  const host = await prepared();
  const before = host.machine.log.length;
  await setBinding(host, nic, onVfio);
  const written = host.machine.log.slice(before).map(({ path }) => path.split("/").at(-1));
  assert.deepEqual(written, ["driver_override", "unbind", "drivers_probe"]);
});

test("setBinding() does nothing when all is as wanted", async () => {
  const host = await prepared();
  const before = host.machine.log.length;
  await setBinding(host, nic, onHost);
  assert.equal(host.machine.log.length, before);
});

test("setBinding() brings back a driver that the override, set by somebody for later, shuts out", async () => {
  const host = await prepared();
  const mixed = { driver: "e1000e", override: "pci-stub" };
  host.machine.write(`/sys/bus/pci/devices/${nic}/driver_override`, "pci-stub");
  assert.deepEqual(readBinding(host, nic), mixed);
  await setBinding(host, nic, onVfio);
  await setBinding(host, nic, mixed);
  assert.deepEqual(readBinding(host, nic), mixed);
});

test("setBinding() leaves a device without driver driverless, with its override", async () => {
  const host = await prepared();
  const edu = "0000:04:02.0";
  await setBinding(host, edu, onVfio);
  await setBinding(host, edu, { driver: null, override: null });
  assert.deepEqual(readBinding(host, edu), { driver: null, override: null });
});

test("setBinding() says which driver took the device, or that none did", async () => {
  const host = labMachine().open(); // vfio-pci is not loaded: the probe binds nothing, and reports success
  await assert.rejects(
    setBinding(host, nic, onVfio),
    (error) => isHostdevError(error, "HD_PROBE_FAILED") && error.message.includes("no driver took it"),
  );
});

test("setBinding() names a device that is not there", async () => {
  const host = await prepared();
  await assert.rejects(setBinding(host, "0000:77:00.0", onVfio), (error) =>
    isHostdevError(error, "HD_DEVICE_NOT_FOUND"),
  );
});

test("unloadModule() leaves a driver to which a function is bound", async () => {
  const host = await prepared();
  await setBinding(host, nic, onVfio);
  await unloadModule(host, "vfio-pci");
  assert.deepEqual(readBinding(host, nic), onVfio);
  await setBinding(host, nic, onHost);
  await unloadModule(host, "vfio-pci");
  assert.equal(host.status("/sys/bus/pci/drivers/vfio-pci"), undefined);
});

test("loadModule() names a module that the kernel does not have", async () => {
  const host = labMachine().withoutModule("vfio-pci").open();
  await assert.rejects(loadModule(host, "vfio-pci"), (error) => isHostdevError(error, "HD_MODULE_MISSING"));
});
