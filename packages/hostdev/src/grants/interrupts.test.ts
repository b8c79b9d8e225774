// SPDX-License-Identifier: Apache-2.0

/** Lending on a machine that does not remap interrupts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeHost } from "../../test/fake-host/fake-host.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { isHostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";
import type { GrantRequest } from "./grant.ts";
import { grantDevice, previewGrant } from "./grant-device.ts";
import { restore } from "./restore.ts";

const nic: GrantRequest = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const off = () => labMachine().withoutInterruptRemapping();

async function assertRefused(host: FakeHost, request: GrantRequest): Promise<void> {
  const before = host.machine.snapshot();
  await assert.rejects(grantDevice(host, request), (error) => isHostdevError(error, "HD_INTERRUPT_REMAPPING_OFF"));
  assert.deepEqual(diffSnapshots(before, host.machine.snapshot()), []);
}

test("grantDevice() refuses where the kernel would not let a VM have the device, and touches nothing", async () => {
  await assertRefused(off().open(), nic);
  await assertRefused(off().open(), { ...nic, force: ["0000:01:00.0"] });
});

test("grantDevice() refuses before it makes virtual functions", async () => {
  await assertRefused(off().open(), { ...nic, device: "05:00.0", vf: { index: "any", create: 2 } });
});

test("grantDevice() grants where nobody can tell", async () => {
  await grantDevice(labMachine().file("/proc/interrupts", "").open(), nic);
});

test("grantDevice() grants with a warning where the kernel was told to lend all the same", async () => {
  const options = "options vfio_iommu_type1 allow_unsafe_interrupts=1\n";
  const host = off().file("/etc/modprobe.d/unsafe.conf", options).open();
  const warnings: string[] = [];
  const { warnings: planned } = await previewGrant(host, nic);
  await grantDevice(host, nic, { onWarning: (text) => warnings.push(text) });
  assert.deepEqual(warnings, planned);
  assert.match(warnings[0] ?? "", /vfio_iommu_type1\.allow_unsafe_interrupts lends devices all the same/);
});

test("restore() lets a persistent grant wait, with the reason", async () => {
  const host = labMachine().open();
  await grantDevice(host, { ...nic, lease: { isPersistent: true } });
  host.machine.reboot();
  host.machine.fs.add("/proc/interrupts", attribute("0: 1 IO-APIC 2-edge timer"));
  const [restoration] = (await restore(host.machine.open())) ?? [];
  assert.equal(restoration?.outcome, "waiting");
  assert.match(restoration?.reason ?? "", /^Cannot lend 0000:01:00\.0: interrupt remapping is off/);
});
