// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import type { Host } from "../../src/core/host.ts";
import { device, eventually, type GetSubject, rebind, refused, restored, whileHeld } from "./kernel-subject.ts";

/** What `sriov_numvfs` makes, refuses and takes away. */
export function virtualFunctionContract(get: GetSubject): void {
  test("sriov_numvfs makes virtual functions in groups of their own, with the same numbers each time", async () => {
    const { host, physical } = await get();
    const groups = async () => {
      let numbers: string[] = [];
      await withVirtuals(host, physical, 2, async (addresses) => {
        numbers = addresses.map((address) => groupOf(host, address));
        for (const [index, address] of addresses.entries()) {
          assert.deepEqual(host.list(`/sys/kernel/iommu_groups/${numbers[index]}/devices`), [address]);
        }
      });
      for (const number of numbers) assert.equal(host.status(`/sys/kernel/iommu_groups/${number}`), undefined);
      return numbers;
    };
    assert.deepEqual(await groups(), await groups());
  });

  test("a virtual function has its PF's vendor but no ids in config space, and no remove file", async () => {
    const { host, physical } = await get();
    await withVirtuals(host, physical, 1, async ([address = ""]) => {
      assert.equal(nameOf(host.readLink(`${device(address)}/physfn`)), physical);
      assert.equal(host.readText(`${device(address)}/vendor`), host.readText(`${device(physical)}/vendor`));
      assert.deepEqual([...(host.readBytes(`${device(address)}/config`, 4) ?? [])], [255, 255, 255, 255]);
      assert.equal(host.status(`${device(address)}/remove`), undefined);
      assert.notEqual(host.status(`${device(address)}/max_link_speed`), undefined);
    });
  });

  test("without autoprobe no driver takes a virtual function, but the one of its override", async () => {
    const { host, physical } = await get();
    const file = `${device(physical)}/sriov_drivers_autoprobe`;
    assert.equal(host.readText(file), "1\n");
    try {
      await host.writeKernel(file, "0");
      await withVirtuals(host, physical, 1, async ([address = ""]) => {
        assert.equal(host.readLink(`${device(address)}/driver`), undefined);
        await host.writeKernel("/sys/bus/pci/drivers_probe", address);
        assert.equal(host.readLink(`${device(address)}/driver`), undefined);
        await rebind(host, address, "vfio-pci");
        assert.equal(nameOf(host.readLink(`${device(address)}/driver`)), "vfio-pci");
      });
    } finally {
      await host.writeKernel(file, "1");
    }
  });

  test("sriov_numvfs gives ERANGE above the total, EINVAL for no number, EBUSY for another number than 0", async () => {
    const { host, physical } = await get();
    const file = `${device(physical)}/sriov_numvfs`;
    const total = Number(host.readText(`${device(physical)}/sriov_totalvfs`));
    await assert.rejects(host.writeKernel(file, String(total + 1)), refused("ERANGE"));
    for (const value of ["x", "-1"]) await assert.rejects(host.writeKernel(file, value), refused("EINVAL"));
    await withVirtuals(host, physical, 1, async () => {
      await host.writeKernel(file, "1");
      await assert.rejects(host.writeKernel(file, "2"), refused("EBUSY"));
    });
  });

  test("a PF that loses its driver loses its virtual functions, and makes none: ENOENT", async () => {
    const { host, physical } = await get();
    const file = `${device(physical)}/sriov_numvfs`;
    await restored(host, [physical], () =>
      withVirtuals(host, physical, 1, async ([address = ""]) => {
        await host.writeKernel(`${device(physical)}/driver/unbind`, physical);
        assert.equal(host.status(device(address)), undefined);
        assert.equal(host.readText(file), "0\n");
        for (const driver of ["pci-stub", "vfio-pci"]) {
          await assert.rejects(host.writeKernel(file, "1"), refused("ENOENT"));
          await rebind(host, physical, driver);
          await assert.rejects(host.writeKernel(file, "1"), refused("ENOENT"));
        }
      }),
    );
  });

  test("sriov_numvfs hangs until nobody has a virtual function open, then takes it away", async () => {
    const { host, physical, openDevice } = await get();
    await withVirtuals(host, physical, 2, async ([, address = ""]) => {
      await rebind(host, address, "vfio-pci");
      await whileHeld(openDevice(Number(groupOf(host, address)), address), async () => {
        const removal = host.writeKernel(`${device(physical)}/sriov_numvfs`, "0", 500);
        await assert.rejects(removal, (error) => isHostdevError(error, "HD_KERNEL_WRITE_HANGS"));
        assert.equal(host.status(`${device(address)}/driver`), undefined);
      });
      await eventually(host, () => host.readText(`${device(physical)}/sriov_numvfs`) === "0\n");
      assert.equal(host.status(device(address)), undefined);
    });
  });
}

/** Runs a test with so many virtual functions, and takes them away however it ends. */
async function withVirtuals(
  host: Host,
  physical: string,
  count: number,
  act: (addresses: readonly string[]) => Promise<void>,
): Promise<void> {
  await host.writeKernel(`${device(physical)}/sriov_numvfs`, String(count));
  try {
    const links = Array.from({ length: count }, (_, index) => host.readLink(`${device(physical)}/virtfn${index}`));
    await act(links.map(nameOf));
  } finally {
    await host.writeKernel(`${device(physical)}/sriov_numvfs`, "0");
  }
}

function groupOf(host: Host, address: string): string {
  return nameOf(host.readLink(`${device(address)}/iommu_group`));
}

function nameOf(link: string | undefined): string {
  return link?.split("/").at(-1) ?? "";
}
