// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, eventually, type GetSubject, rebind, restored, whileHeld } from "./kernel-subject.ts";

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
    // Runtime power management works behind our back.
    const becomes = (power: string, enable: string) =>
      eventually(host, () => {
        const [isPower, isEnable] = ["power_state", "enable"].map((file) =>
          host.readText(`${device(lone.address)}/${file}`),
        );
        return isPower === `${power}\n` && isEnable === `${enable}\n`;
      });
    await restored(host, [lone.address], async () => {
      await becomes("D0", "1");
      await host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address);
      await becomes("D0", "0");
      await rebind(host, lone.address, "vfio-pci");
      await becomes("D3hot", "0");
      await whileHeld(claimGroup(lone.group), () => becomes("D3hot", "0"));
      await whileHeld(openDevice(lone.group, lone.address), () => becomes("D0", "1"));
      await becomes("D3hot", "0");
      await rebind(host, lone.address, "pci-stub");
      await becomes("D0", "0");
    });
  });
}
