// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, driverOf, type GetSubject, rebind, refused, restored, sysfs } from "./kernel-subject.ts";

/** What `driver_override` reads, takes, and does to matching. */
export function overrideContract(get: GetSubject): void {
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

  // `dd` makes no write(2) of nothing; one of 0 bytes, made with perl, was seen to do nothing too.
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

  test("driver_override takes one line of at most 4094 characters", async () => {
    const { host, lone } = await get();
    await restored(host, [lone.address], async () => {
      const path = `${device(lone.address)}/driver_override`;
      await host.writeKernel(path, "vfio-pci\npci-stub\n");
      assert.equal(host.readText(path), "vfio-pci\n");
      await host.writeKernel(path, "x".repeat(4094));
      await assert.rejects(host.writeKernel(path, "x".repeat(4095)), refused("EINVAL"));
      assert.equal(host.readText(path)?.length, 4095);
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

/** What bind, unbind and a probe do and refuse, each with its errno. */
export function bindingContract(get: GetSubject): void {
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

  test("vfio-pci refuses a bridge: bind gives EINVAL, a probe reports success and binds nothing; pci-stub takes it", async () => {
    const { host, bridge } = await get();
    await restored(host, [bridge], async () => {
      await rebind(host, bridge, "vfio-pci");
      assert.equal(driverOf(host, bridge), undefined);
      await assert.rejects(host.writeKernel(`${sysfs}/drivers/vfio-pci/bind`, bridge), refused("EINVAL"));
      await rebind(host, bridge, "pci-stub");
      assert.equal(driverOf(host, bridge), "pci-stub");
    });
    assert.equal(driverOf(host, bridge), "pcieport");
  });

  test("pcieport refuses a PCIe-to-PCI bridge: ENODEV", async () => {
    const { host, pciBridge } = await get();
    await assert.rejects(host.writeKernel(`${sysfs}/drivers/pcieport/bind`, pciBridge), refused("ENODEV"));
    assert.equal(driverOf(host, pciBridge), undefined);
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
}
