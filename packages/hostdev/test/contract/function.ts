// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, type GetSubject, rebind, restored, whileHeld } from "./kernel-subject.ts";

/** Which files a function has, and what those say that change with its driver. */
export function functionContract(get: GetSubject): void {
  test("a PCI Express function has 4096 bytes of config space and files on its link, a conventional one 256 and none", async () => {
    const { host, lone, bridge, shared } = await get();
    for (const address of [lone.address, bridge]) {
      assert.equal(host.status(`${device(address)}/config`)?.sizeBytes, 4096);
      for (const which of ["max", "current"]) {
        assert.match(host.readText(`${device(address)}/${which}_link_speed`) ?? "", /^[\d.]+ GT\/s PCIe\n$/);
        assert.match(host.readText(`${device(address)}/${which}_link_width`) ?? "", /^\d+\n$/);
      }
    }
    for (const address of shared.addresses) {
      assert.equal(host.status(`${device(address)}/config`)?.sizeBytes, 256);
      assert.equal(host.status(`${device(address)}/max_link_speed`), undefined);
    }
  });

  test("reset and reset_method are there only where something can reset", async () => {
    const { host, lone, shared } = await get();
    assert.match(host.readText(`${device(lone.address)}/reset_method`) ?? "", /^[a-z_]+( [a-z_]+)*\n$/);
    assert.equal(host.status(`${device(lone.address)}/reset`)?.mode, 0o200);
    for (const file of ["reset", "reset_method"]) {
      assert.equal(host.status(`${device(shared.addresses[1])}/${file}`), undefined);
    }
  });

  test("vfio-pci puts a function to sleep until its device is opened; else it is awake, bound or not", async () => {
    const { host, lone, claimGroup, openDevice } = await get();
    const read = async () => {
      await host.sleep(500); // runtime power management works behind our back
      const [power, enable] = ["power_state", "enable"].map((file) => host.readText(`${device(lone.address)}/${file}`));
      return `${power}${enable}`;
    };
    await restored(host, [lone.address], async () => {
      assert.equal(await read(), "D0\n1\n");
      await host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address);
      assert.equal(await read(), "D0\n0\n");
      await rebind(host, lone.address, "vfio-pci");
      assert.equal(await read(), "D3hot\n0\n");
      await whileHeld(claimGroup(lone.group), async () => assert.equal(await read(), "D3hot\n0\n"));
      await whileHeld(openDevice(lone.group, lone.address), async () => assert.equal(await read(), "D0\n1\n"));
      assert.equal(await read(), "D3hot\n0\n");
      await rebind(host, lone.address, "pci-stub");
      assert.equal(await read(), "D0\n0\n");
    });
  });
}
