// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { device, driverOf, type GetSubject, rebind, refused, restored, sysfs } from "./kernel-subject.ts";

/** The nodes of IOMMU groups: when they are there, whose they are, who may open them. */
export function nodeContract(get: GetSubject): void {
  test("the group's node appears with vfio-pci, root's and 0600, and vanishes with it", async () => {
    const { host, lone } = await get();
    const node = `/dev/vfio/${lone.group}`;
    await restored(host, [lone.address], async () => {
      assert.equal(host.status(node), undefined);
      await rebind(host, lone.address, "vfio-pci");
      assert.deepEqual(host.status(node), { kind: "character-device", mode: 0o600, uid: 0, gid: 0, sizeBytes: 0 });
      assert.equal(host.tryOpen(node), undefined);
      await rebind(host, lone.address, "pci-stub");
      assert.equal(host.status(node), undefined);
    });
  });

  test("the owner of a node does not survive a rebind", async () => {
    const { host, user, lone } = await get();
    const node = `/dev/vfio/${lone.group}`;
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      assert.equal(user.tryOpen(node), "EACCES");
      host.setOwnership(node, { uid: user.self.uid, gid: 0, mode: 0o600 });
      assert.equal(user.tryOpen(node), undefined);
      await rebind(host, lone.address, "vfio-pci");
      assert.equal(host.status(node)?.uid, 0);
      assert.equal(user.tryOpen(node), "EACCES");
    });
  });

  test("a group's node stays until its last function leaves vfio-pci", async () => {
    const { host, shared } = await get();
    const [first, second] = shared.addresses;
    const node = `/dev/vfio/${shared.group}`;
    await restored(host, shared.addresses, async () => {
      await rebind(host, first, "vfio-pci");
      await rebind(host, second, "vfio-pci");
      host.setOwnership(node, { uid: 0, gid: 0, mode: 0o640 });
      await rebind(host, first, "pci-stub");
      assert.equal(host.status(node)?.mode, 0o640);
      await rebind(host, second, "pci-stub");
      assert.equal(host.status(node), undefined);
    });
  });

  test("the container's node is open to all", async () => {
    const { host, user } = await get();
    assert.equal(host.status("/dev/vfio/vfio")?.mode, 0o666);
    assert.equal(user.tryOpen("/dev/vfio/vfio"), undefined);
  });

  test("a group's node opens once: EBUSY for everybody else", async (t) => {
    const { host, lone, openGroup } = await get();
    if (openGroup === undefined) return skip(t, "openGroup");
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      const release = await openGroup(lone.group);
      assert.equal(host.tryOpen(`/dev/vfio/${lone.group}`), "EBUSY");
      await release();
      assert.equal(host.tryOpen(`/dev/vfio/${lone.group}`), undefined);
    });
  });
}

/** Viability, and what the kernel refuses while a user owns a group's DMA or has a device open. */
export function ownershipContract(get: GetSubject): void {
  test("a mate on its native driver makes the group not viable; pci-stub or no driver does not", async (t) => {
    const { host, shared, isViable } = await get();
    if (isViable === undefined) return skip(t, "isViable");
    const [first, second] = shared.addresses;
    await restored(host, shared.addresses, async () => {
      for (const mate of shared.addresses.slice(1)) await rebind(host, mate, "vfio-pci");
      assert.equal(driverOf(host, first), shared.driver);
      assert.equal(await isViable(shared.group), false);
      await host.writeKernel(`${device(first)}/driver/unbind`, first);
      assert.equal(await isViable(shared.group), true);
      await rebind(host, first, "pci-stub");
      assert.equal(await isViable(shared.group), true);
      assert.equal(driverOf(host, second), "vfio-pci");
    });
  });

  test("a native driver does not get a mate of a claimed group: bind EBUSY, probe EINVAL", async (t) => {
    const { host, shared, claimGroup } = await get();
    if (claimGroup === undefined) return skip(t, "claimGroup");
    const [first, second] = shared.addresses;
    await restored(host, shared.addresses, async () => {
      for (const mate of shared.addresses.slice(1)) await rebind(host, mate, "pci-stub");
      await rebind(host, second, "vfio-pci");
      await host.writeKernel(`${device(first)}/driver/unbind`, first);
      const release = await claimGroup(shared.group);
      try {
        await assert.rejects(host.writeKernel(`${sysfs}/drivers/${shared.driver}/bind`, first), refused("EBUSY"));
        await assert.rejects(host.writeKernel(`${sysfs}/drivers_probe`, first), refused("EINVAL"));
        assert.equal(driverOf(host, first), undefined);
      } finally {
        await release();
      }
    });
  });

  test("unbind of an open device hangs until it is closed; its driver link is gone at once", async (t) => {
    const { host, lone, openDevice } = await get();
    if (openDevice === undefined) return skip(t, "openDevice");
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      const release = await openDevice(lone.group, lone.address);
      const unbinding = host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address, 500);
      await assert.rejects(unbinding, (error) => isHostdevError(error, "HD_KERNEL_WRITE_HANGS"));
      assert.equal(driverOf(host, lone.address), undefined);
      assert.notEqual(host.status(`/dev/vfio/${lone.group}`), undefined);
      await release();
      await host.sleep(500);
      assert.equal(host.status(`/dev/vfio/${lone.group}`), undefined);
    });
  });
}

function skip(t: TestContext, missing: string): void {
  t.skip(`this subject has no ${missing}()`);
}
