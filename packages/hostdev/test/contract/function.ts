// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, eventually, type GetSubject, rebind, refused, restored, whileHeld } from "./kernel-subject.ts";

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

  test("a reset works on an idle function on vfio-pci, and leaves it without bus mastering", async () => {
    const { host, lone } = await get();
    const command = () => (host.readBytes(`${device(lone.address)}/config`, 5)?.[4] ?? 0) & 0x07;
    await restored(host, [lone.address], async () => {
      assert.equal(command() & 4, 4); // the driver of the host has it
      await rebind(host, lone.address, "vfio-pci");
      assert.equal(command() & 4, 0);
      await host.writeKernel(`${device(lone.address)}/reset`, "1");
      assert.equal(command() & 4, 0);
    });
  });

  test("root may write the command register, byte by byte, and it stays as written", async () => {
    const { host, lone } = await get();
    const path = `${device(lone.address)}/config`;
    const command = () => host.readBytes(path, 5)?.[4] ?? 0;
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      const before = command();
      await host.writeKernelBytes(path, 4, Uint8Array.of(before | 4));
      assert.equal(command(), before | 4);
      await host.writeKernelBytes(path, 4, Uint8Array.of(before));
      assert.equal(command(), before);
    });
  });

  test("a conventional function lists the method bus although others are on its bus; then its reset fails: ENOTTY", async () => {
    const { host, shared } = await get();
    const path = device(shared.addresses[0]);
    assert.equal(host.readText(`${path}/reset_method`), "bus\n");
    await assert.rejects(host.writeKernel(`${path}/reset`, "1"), refused("ENOTTY"));
  });

  test("without any method enabled a reset fails: ENOTTY; default brings them back", async () => {
    const { host, lone } = await get();
    const path = device(lone.address);
    const before = host.readText(`${path}/reset_method`);
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      try {
        await host.writeKernel(`${path}/reset_method`, "\n");
        assert.equal(host.readText(`${path}/reset_method`)?.trim(), "");
        await assert.rejects(host.writeKernel(`${path}/reset`, "1"), refused("ENOTTY"));
      } finally {
        await host.writeKernel(`${path}/reset_method`, "default");
      }
      assert.equal(host.readText(`${path}/reset_method`), before);
    });
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
