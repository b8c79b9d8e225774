// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../../src/core/host.ts";
import { type GetSubject, rebind, restored, whileHeld } from "./kernel-subject.ts";

/** The nodes of IOMMU groups: when they are there, whose they are, who may open them. */
export function nodeContract(get: GetSubject): void {
  test("the group's node appears with vfio-pci, root's and 0600, and vanishes with it", async () => {
    const { host, lone } = await get();
    const node = `/dev/vfio/${lone.group}`;
    await restored(host, [lone.address], async () => {
      assert.equal(host.status(node), undefined);
      await rebind(host, lone.address, "vfio-pci");
      const { kind, mode, uid, gid, sizeBytes } = host.status(node) ?? {};
      assert.deepEqual([kind, mode, uid, gid, sizeBytes], ["character-device", 0o600, 0, 0, 0]);
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

  test("a group's node opens once: EBUSY for everybody else", async () => {
    const { host, lone, openGroup } = await get();
    const node = `/dev/vfio/${lone.group}`;
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await whileHeld(openGroup(lone.group), async ({ pid }) => {
        assert.equal(host.tryOpen(node), "EBUSY");
        assert.ok(openFiles(host, pid).includes(node));
      });
      assert.equal(host.tryOpen(node), undefined);
    });
  });

  test("a node that is held, but no device of it, goes with its last function; the next node is a new one", async () => {
    const { host, lone, openGroup } = await get();
    const node = `/dev/vfio/${lone.group}`;
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await whileHeld(openGroup(lone.group), async ({ pid }) => {
        await rebind(host, lone.address, "vfio-pci");
        assert.ok(openFiles(host, pid).includes(`${node} (deleted)`));
        assert.equal(host.tryOpen(node), undefined);
      });
    });
  });
}

/** What the descriptors of a process lead to. */
function openFiles(host: Host, pid: number): string[] {
  return (host.list(`/proc/${pid}/fd`) ?? []).map((fd) => host.readLink(`/proc/${pid}/fd/${fd}`) ?? "");
}
