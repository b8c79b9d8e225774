// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../../src/core/host.ts";
import { driverOf, type GetSubject, rebind, restored, whileHeld } from "./kernel-subject.ts";

/** What modprobe(8) brings and takes away; the tests unload VFIO and load it again. */
export function moduleContract(get: GetSubject): void {
  test("vfio-pci brings what it needs, and the IOMMU backend; sysfs spells them with underscores", async () => {
    const { host } = await get();
    for (const name of ["vfio_pci", "vfio_pci_core", "irqbypass", "vfio", "vfio_iommu_type1"]) {
      assert.equal(host.readText(`/sys/module/${name}/initstate`), "live\n", name);
    }
  });

  test("modprobe -r vfio-pci leaves the backend and vfio; -r vfio_iommu_type1 takes both", async () => {
    const { host } = await get();
    await reloaded(host, async () => {
      assert.equal((await unload(host, "vfio-pci")).status, 0);
      assert.deepEqual(loaded(host), ["vfio", "vfio_iommu_type1"]);
      assert.equal((await unload(host, "vfio_iommu_type1")).status, 0);
      assert.deepEqual(loaded(host), []);
      assert.equal((await unload(host, "vfio-pci")).status, 0); // not loaded is fine, not there is not
      assert.match((await unload(host, "no-such-module")).stderr, /FATAL: Module no-such-module not found\.$/m);
    });
  });

  test("anybody who opens the container's node loads vfio and the backend", async () => {
    const { host, user } = await get();
    await reloaded(host, async () => {
      for (const module of ["vfio-pci", "vfio_iommu_type1"]) await unload(host, module);
      assert.equal(host.status("/dev/vfio/vfio")?.mode, 0o666);
      assert.deepEqual(loaded(host), []);
      assert.equal(user.tryOpen("/dev/vfio/vfio"), undefined);
      assert.deepEqual(loaded(host), ["vfio", "vfio_iommu_type1"]);
    });
  });

  test("modprobe -r vfio-pci takes a function that is bound, but not open; loading binds it again by override", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await reloaded(host, async () => {
        assert.equal((await unload(host, "vfio-pci")).status, 0);
        assert.equal(driverOf(host, lone.address), undefined);
      });
      assert.equal(driverOf(host, lone.address), "vfio-pci");
    });
  });

  test("modprobe -r vfio-pci is refused while a device is open, not while its group is only claimed", async () => {
    const { host, lone, claimGroup, openDevice } = await get();
    await restored(host, [lone.address], async () => {
      await rebind(host, lone.address, "vfio-pci");
      await whileHeld(openDevice(lone.group, lone.address), async () => {
        const { status, stderr } = await unload(host, "vfio-pci");
        assert.equal(status, 1);
        assert.match(stderr, /FATAL: Module vfio_pci is in use\./);
        assert.equal(driverOf(host, lone.address), "vfio-pci");
      });
      await whileHeld(claimGroup(lone.group), () =>
        reloaded(host, async () => {
          assert.equal((await unload(host, "vfio-pci")).status, 0);
          assert.equal(host.status(`/dev/vfio/${lone.group}`), undefined);
        }),
      );
    });
  });

  test("modprobe refuses an ordinary user", async () => {
    const { host, user } = await get();
    await reloaded(host, async () => {
      await unload(host, "vfio-pci");
      const { status, stderr } = await user.run("modprobe", ["vfio-pci"]);
      assert.equal(status, 1);
      assert.match(stderr, /ERROR: could not insert 'vfio_pci': Operation not permitted/);
      assert.deepEqual(loaded(host), ["vfio", "vfio_iommu_type1"]);
    });
  });
}

function unload(host: Host, module: string) {
  return host.run("modprobe", ["-r", module]);
}

/** Runs a test that unloads VFIO, and loads it again however it ends. */
async function reloaded(host: Host, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } finally {
    assert.equal((await host.run("modprobe", ["vfio-pci"])).status, 0);
  }
}

/** Which of VFIO's modules are loaded. */
function loaded(host: Host): string[] {
  return (host.list("/sys/module") ?? []).filter((name) => name.startsWith("vfio")).sort();
}
