// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import {
  device,
  driverOf,
  eventually,
  type GetSubject,
  hasDriver,
  rebind,
  refused,
  restored,
  sysfs,
  whileHeld,
} from "./kernel-subject.ts";

/** Viability, and what the kernel refuses while a user owns a group's DMA or has a device open. */
export function ownershipContract(get: GetSubject): void {
  test("a mate on its native driver makes the group not viable; pci-stub or no driver does not", async () => {
    const { host, shared, isViable, claimGroup } = await get();
    const [first, second] = shared.addresses;
    await restored(host, shared.addresses, async () => {
      for (const mate of shared.addresses.slice(1)) await rebind(host, mate, "vfio-pci");
      assert.equal(driverOf(host, first), shared.driver);
      assert.equal(await isViable(shared.group), false);
      await assert.rejects(claimGroup(shared.group), /EPERM/);
      await host.writeKernel(`${device(first)}/driver/unbind`, first);
      assert.equal(await isViable(shared.group), true);
      await rebind(host, first, "pci-stub");
      assert.equal(await isViable(shared.group), true);
      assert.equal(driverOf(host, second), "vfio-pci");
    });
  });

  test("a native driver does not get a mate of a claimed group: bind EBUSY, probe EINVAL; pci-stub does", async () => {
    const { host, shared, claimGroup } = await get();
    const [first, second] = shared.addresses;
    await restored(host, shared.addresses, async () => {
      for (const mate of shared.addresses.slice(1)) await rebind(host, mate, "pci-stub");
      await rebind(host, second, "vfio-pci");
      await host.writeKernel(`${device(first)}/driver/unbind`, first);
      await whileHeld(claimGroup(shared.group), async () => {
        await assert.rejects(host.writeKernel(`${sysfs}/drivers/${shared.driver}/bind`, first), refused("EBUSY"));
        await assert.rejects(host.writeKernel(`${sysfs}/drivers_probe`, first), refused("EINVAL"));
        assert.equal(driverOf(host, first), undefined);
        await rebind(host, first, "pci-stub");
        assert.equal(driverOf(host, first), "pci-stub");
      });
    });
  });

  test("a claim without an open device ends with the group's last function on vfio-pci", async () => {
    const { host, lone, claimGroup } = await get();
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await whileHeld(claimGroup(lone.group), async () => {
        await rebind(host, lone.address, undefined);
        assert.equal(driverOf(host, lone.address), lone.driver);
      });
    });
  });

  test("unbind of an open device hangs until it is closed; its driver link is gone at once, its node is not", async () => {
    const { host, lone, openDevice } = await get();
    const files = device(lone.address);
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await whileHeld(openDevice(lone.group, lone.address), async () => {
        await hangs(host.writeKernel(`${files}/driver/unbind`, lone.address, 500));
        assert.equal(driverOf(host, lone.address), undefined);
        assert.equal(host.list(`${sysfs}/drivers/vfio-pci`)?.includes(lone.address), false);
        assert.equal(hasDriver(host, lone.address), true);
        assert.equal(host.tryOpen(`/dev/vfio/${lone.group}`), "EBUSY");
        await hangs(host.writeKernel(`${sysfs}/drivers/vfio-pci/unbind`, lone.address, 500));
        await host.writeKernel(`${sysfs}/drivers_probe`, lone.address); // does nothing: it still has a driver
      });
      await eventually(host, () => !hasDriver(host, lone.address));
      assert.equal(host.status(`/dev/vfio/${lone.group}`), undefined);
      assert.equal(driverOf(host, lone.address), undefined);
    });
  });

  // Older kernels (Debian's 6.1, say) hang the writer, and a reader too; then this fails before it reads.
  test("driver_override can be read and written while an unbind hangs", async () => {
    const { host, lone, openDevice } = await get();
    const files = device(lone.address);
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await whileHeld(openDevice(lone.group, lone.address), async () => {
        await hangs(host.writeKernel(`${files}/driver/unbind`, lone.address, 500));
        await host.writeKernel(`${files}/driver_override`, "pci-stub", 5000);
        assert.equal(host.readText(`${files}/driver_override`), "pci-stub\n");
      });
      await eventually(host, () => !hasDriver(host, lone.address));
      assert.equal(host.readText(`${files}/driver_override`), "pci-stub\n");
    });
  });
}

async function hangs(write: Promise<void>): Promise<void> {
  await assert.rejects(write, (error) => isHostdevError(error, "HD_KERNEL_WRITE_HANGS"));
}
