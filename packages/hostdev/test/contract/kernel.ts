// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { nodeContract, ownershipContract } from "./group.ts";
import {
  device,
  driverOf,
  type GetSubject,
  type KernelSubject,
  rebind,
  refused,
  restored,
  sysfs,
} from "./kernel-subject.ts";
import { processContract } from "./process.ts";

/**
 * What the kernel does, through `Host` alone: drivers, overrides, group nodes, permissions, limits. It runs on
 * `FakeHost` in the unit tests and on the real kernel in the lab; where they differ, the fake is wrong.
 * Each test puts back what it changes.
 */
export function kernelContract(name: string, makeSubject: () => Promise<KernelSubject>): void {
  let subject: Promise<KernelSubject> | undefined;
  const get = () => {
    subject ??= makeSubject();
    return subject;
  };
  describe(`${name}: driver override`, () => overrideContract(get));
  describe(`${name}: bind, unbind, probe`, () => bindingContract(get));
  describe(`${name}: group nodes`, () => nodeContract(get));
  describe(`${name}: who owns a group's DMA`, () => ownershipContract(get));
  describe(`${name}: what an ordinary user may`, () => permissionContract(get));
  describe(`${name}: processes and their memlock`, () => processContract(get));
}

function overrideContract(get: GetSubject): void {
  test('driver_override reads "(null)" until set, and what was written after', async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      const path = `${device(lone.address)}/driver_override`;
      assert.equal(host.readText(path), "(null)\n");
      await host.writeKernel(path, "vfio-pci");
      assert.equal(host.readText(path), "vfio-pci\n");
      await host.writeKernel(path, "pci-stub\n");
      assert.equal(host.readText(path), "pci-stub\n");
    });
  });

  test("a new line clears driver_override, an empty write does nothing", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      const path = `${device(lone.address)}/driver_override`;
      await host.writeKernel(path, "vfio-pci");
      await host.writeKernel(path, "");
      assert.equal(host.readText(path), "vfio-pci\n");
      await host.writeKernel(path, "\n");
      assert.equal(host.readText(path), "(null)\n");
    });
  });

  test("driver_override leaves the bound driver alone", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      await host.writeKernel(`${device(lone.address)}/driver_override`, "vfio-pci");
      await host.writeKernel(`${sysfs}/drivers_probe`, lone.address);
      assert.equal(driverOf(host, lone.address), lone.driver);
    });
  });

  test("driver_override keeps all other drivers away, and probing reports success", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      await host.writeKernel(`${device(lone.address)}/driver_override`, "no-such-driver");
      await host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address);
      await host.writeKernel(`${sysfs}/drivers_probe`, lone.address);
      assert.equal(driverOf(host, lone.address), undefined);
      await assert.rejects(host.writeKernel(`${sysfs}/drivers/${lone.driver}/bind`, lone.address), refused("ENODEV"));
    });
  });
}

function bindingContract(get: GetSubject): void {
  test("vfio-pci and pci-stub bind by override, and the native driver comes back without", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      for (const driver of ["vfio-pci", "pci-stub"]) {
        await rebind(host, lone.address, driver);
        assert.equal(driverOf(host, lone.address), driver);
        assert.ok(host.list(`${sysfs}/drivers/${driver}`)?.includes(lone.address));
      }
      await rebind(host, lone.address, undefined);
      assert.equal(driverOf(host, lone.address), lone.driver);
    });
  });

  test("vfio-pci and pci-stub do not bind without override", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      await host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address);
      await assert.rejects(host.writeKernel(`${sysfs}/drivers/vfio-pci/bind`, lone.address), refused("ENODEV"));
      await assert.rejects(host.writeKernel(`${sysfs}/drivers/pci-stub/bind`, lone.address), refused("ENODEV"));
      assert.equal(driverOf(host, lone.address), undefined);
    });
  });

  test("bind of a bound function fails with EBUSY", async () => {
    const { host, lone } = await get();
    await assert.rejects(host.writeKernel(`${sysfs}/drivers/${lone.driver}/bind`, lone.address), refused("EBUSY"));
  });

  test("bind takes the address with a final new line", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      await host.writeKernel(`${sysfs}/drivers/${lone.driver}/unbind`, `${lone.address}\n`);
      assert.equal(driverOf(host, lone.address), undefined);
      await host.writeKernel(`${sysfs}/drivers/${lone.driver}/bind`, `${lone.address}\n`);
      assert.equal(driverOf(host, lone.address), lone.driver);
    });
  });

  test("unknown addresses give ENODEV", async () => {
    const { host, lone } = await get();
    for (const file of ["drivers_probe", `drivers/${lone.driver}/bind`, `drivers/${lone.driver}/unbind`]) {
      await assert.rejects(host.writeKernel(`${sysfs}/${file}`, "ffff:ff:1f.7"), refused("ENODEV"));
    }
  });

  test("unbind from a driver that does not have the function gives ENODEV", async () => {
    const { host, lone } = await get();
    await assert.rejects(host.writeKernel(`${sysfs}/drivers/vfio-pci/unbind`, lone.address), refused("ENODEV"));
    assert.equal(driverOf(host, lone.address), lone.driver);
  });

  test("vfio-pci refuses a bridge: bind gives EINVAL, a probe reports success and binds nothing", async () => {
    const { host, bridge } = await get();
    await restored(host, [bridge], async () => {
      await rebind(host, bridge, "vfio-pci");
      assert.equal(driverOf(host, bridge), undefined);
      await assert.rejects(host.writeKernel(`${sysfs}/drivers/vfio-pci/bind`, bridge), refused("EINVAL"));
    });
  });

  test("the files of a driver are gone with unbind, the function's driver link too", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      await host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address);
      assert.equal(host.status(`${device(lone.address)}/driver`), undefined);
      assert.equal(host.list(`${sysfs}/drivers/${lone.driver}`)?.includes(lone.address), false);
      await assert.rejects(host.writeKernel(`${device(lone.address)}/driver/unbind`, lone.address), refused("ENOENT"));
    });
  });

  test("read-only and write-only files of sysfs refuse even root with EACCES", async () => {
    const { host, lone } = await get();
    await assert.rejects(host.writeKernel(`${device(lone.address)}/vendor`, "x"), refused("EACCES"));
    assert.throws(() => host.readText(`${sysfs}/drivers_probe`), isFileError("EACCES"));
    assert.throws(() => host.writeFile(`${device(lone.address)}/new`, "", 0o600), isFileError("EACCES"));
  });
}

function permissionContract(get: GetSubject): void {
  test("control files refuse an ordinary user with EACCES", async () => {
    const { user, lone } = await get();
    const files = [
      `${device(lone.address)}/driver_override`,
      `${sysfs}/drivers_probe`,
      `${sysfs}/drivers/${lone.driver}/unbind`,
    ];
    for (const file of files) await assert.rejects(user.writeKernel(file, lone.address), refused("EACCES"));
  });

  test("config gives an ordinary user 64 bytes, whatever size it says", async () => {
    const { host, user, lone } = await get();
    const path = `${device(lone.address)}/config`;
    const size = host.status(path)?.sizeBytes;
    assert.ok(size === 256 || size === 4096);
    assert.equal(host.readBytes(path, 4096)?.length, size);
    assert.equal(user.readBytes(path, 4096)?.length, 64);
    assert.equal(user.status(path)?.sizeBytes, size);
  });

  test("what identifies a function is readable by all", async () => {
    const { user, lone } = await get();
    const read = (file: string) => user.readText(`${device(lone.address)}/${file}`) ?? "";
    assert.match(read("vendor"), /^0x[0-9a-f]{4}\n$/);
    assert.match(read("class"), /^0x[0-9a-f]{6}\n$/);
    assert.match(
      read("modalias"),
      /^pci:v[0-9A-F]{8}d[0-9A-F]{8}sv[0-9A-F]{8}sd[0-9A-F]{8}bc[0-9A-F]{2}sc[0-9A-F]{2}i[0-9A-F]{2}\n$/,
    );
    assert.match(read("uevent"), new RegExp(`^DRIVER=${lone.driver}\\n[^]*PCI_SLOT_NAME=${lone.address}\\n`));
    assert.equal(read("driver_override"), "(null)\n");
    assert.equal(
      user
        .readLink(`${device(lone.address)}/iommu_group`)
        ?.split("/")
        .at(-1),
      String(lone.group),
    );
  });
}

function isFileError(errno: string): (error: unknown) => boolean {
  return (error) => isHostdevError(error, "HD_FILE") && error.details.errno === errno;
}
