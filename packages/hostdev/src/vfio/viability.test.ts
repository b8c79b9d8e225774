// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/machines.ts";
import { readIommuGroup } from "../pci/iommu-group.ts";
import { findHolders, vmName } from "./holders.ts";
import { findBlockers, isBlockingDriver, isVfioDriver } from "./viability.ts";

test("findBlockers() names members on host drivers, not bridges, stubs or the driverless", () => {
  const group = readIommuGroup(labMachine().open(), 13);
  assert.ok(group !== undefined);
  assert.deepEqual(findBlockers(group), [
    { address: "0000:04:01.0", driver: "e1000" },
    { address: "0000:04:03.0", driver: "snd_ens1370" },
  ]);
});

test("isBlockingDriver() agrees with the kernel's driver_managed_dma", () => {
  for (const driver of [null, "vfio-pci", "mlx5_vfio_pci", "nvgrace-gpu-vfio-pci", "pci-stub", "pcieport"]) {
    assert.equal(isBlockingDriver(driver), false, String(driver));
  }
  for (const driver of ["e1000e", "nvme", "vfio", "notvfio-pci"]) assert.equal(isBlockingDriver(driver), true, driver);
  assert.equal(isVfioDriver("vfio-pci"), true);
  assert.equal(isVfioDriver(null), false);
});

test("findHolders() names pid, user and VM of who has the node open", async () => {
  const machine = labMachine().build();
  const qemu = machine.process({
    user: "alex",
    comm: "qemu-system-x86",
    cmdline: ["qemu", "-name", "guest=nic,debug-threads=on"],
  });
  const host = machine.open();
  await host.run("modprobe", ["vfio-pci"]);
  machine.rebind("0000:01:00.0", "vfio-pci");
  host.setOwnership("/dev/vfio/11", { uid: 1000, gid: 0, mode: 0o600 });
  machine.holdGroup(qemu, 11);
  const [holder] = await findHolders(host, ["/dev/vfio/11"]);
  assert.equal(holder?.pid, qemu.pid);
  assert.equal(holder?.user, "alex");
  assert.equal(holder?.vm, "nic");
  assert.deepEqual(await findHolders(host, ["/dev/vfio/12"]), []);
});

test("vmName() reads QEMU's -name, with doubled commas", () => {
  assert.equal(vmName(["qemu", "-name", "guest=a,,b,debug-threads=on"]), "a,b");
  assert.equal(vmName(["qemu", "-name", "plain"]), "plain");
  assert.equal(vmName(["qemu"]), undefined);
  assert.equal(vmName(["qemu", "-name"]), undefined);
});
