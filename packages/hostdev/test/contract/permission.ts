// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { device, type GetSubject, refused, sysfs } from "./kernel-subject.ts";

/** Who may read and write what in sysfs. */
export function permissionContract(get: GetSubject): void {
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

  test("read-only and write-only files of sysfs refuse even root with EACCES", async () => {
    const { host, lone } = await get();
    await assert.rejects(host.writeKernel(`${device(lone.address)}/vendor`, "x"), refused("EACCES"));
    assert.throws(() => host.readText(`${sysfs}/drivers_probe`), isFileError("EACCES"));
    assert.throws(() => host.writeFile(`${device(lone.address)}/new`, "", 0o600), isFileError("EACCES"));
  });
}

function isFileError(errno: string): (error: unknown) => boolean {
  return (error) => isHostdevError(error, "HD_FILE") && error.details.errno === errno;
}
