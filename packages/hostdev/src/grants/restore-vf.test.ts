// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { killed } from "../../test/fake-host/kill.ts";
import { labMachine } from "../../test/fake-host/machines.ts";
import { diffSnapshots } from "../../test/fake-host/snapshot.ts";
import { MiB } from "../core/units.ts";
import { readBinding } from "../vfio/binding.ts";
import { grantDevice } from "./grant-device.ts";
import { recover } from "./recover.ts";
import { restore } from "./restore.ts";
import { revokeDevice } from "./revoke-device.ts";

const lease = { isPersistent: true };
const nic = { device: "01:00.0", user: "alex", memoryBytes: 256 * MiB, hold: [], force: [] };
const vf = { index: 1, create: 2, mac: "52:54:00:aa:00:01" } as const;
const made = { ...nic, device: "05:00.0", lease, vf };
const address = "0000:05:10.2";
const numvfs = "/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs";

test("restore() makes virtual functions anew, lends the same one, and a revoke ends them", async () => {
  const machine = labMachine().build();
  machine.reboot();
  const fresh = machine.snapshot();
  await grantDevice(machine.open(), made);
  machine.reboot();
  const host = machine.open();
  assert.equal(host.readText(numvfs), "0\n");
  const [restoration] = (await restore(host)) ?? [];
  assert.equal(restoration?.outcome, "restored", restoration?.reason ?? "");
  assert.equal(host.readText(numvfs), "2\n");
  assert.equal(readBinding(host, address).driver, "vfio-pci");
  assert.equal(machine.function(address).settings.mac, vf.mac);
  assert.equal(host.status(`/dev/vfio/${machine.function(address).group}`)?.uid, 1000);
  await restore(host);
  assert.equal(host.readText(numvfs), "2\n");
  await revokeDevice(host, address);
  assert.deepEqual(diffSnapshots(fresh, machine.snapshot()), []);
});

test("restore() lets a virtual function wait that cannot be made, and says why", async () => {
  const machine = labMachine().build();
  await grantDevice(machine.open(), made);
  machine.reboot();
  machine.failOn({ operation: "writeKernel", path: numvfs, errno: "ENOMEM" });
  const host = machine.open();
  const warnings: string[] = [];
  const [restoration] = (await restore(host, { onWarning: (text) => warnings.push(text) })) ?? [];
  assert.equal(restoration?.outcome, "waiting");
  assert.match(warnings[0] ?? "", /^The virtual functions that were lent cannot be made: .*ENOMEM/);
});

test("restore() killed at any operation of a boot with a virtual function can be run again", async () => {
  for (let n = 1; ; n++) {
    const machine = labMachine().build();
    machine.reboot();
    const fresh = machine.snapshot();
    await grantDevice(machine.open(), made);
    machine.reboot();
    const host = machine.open();
    const isKilled = await killed(host, n, "after", () => restore(host));
    const admin = machine.open();
    await recover(admin);
    await restore(admin);
    assert.equal(readBinding(admin, address).driver, "vfio-pci", `killed after operation ${n}`);
    await revokeDevice(admin, address);
    assert.deepEqual(diffSnapshots(fresh, machine.snapshot()), [], `killed after operation ${n}`);
    if (!isKilled) break;
  }
});

test("restore() holds again what is in quarantine, also when nothing is lent", async () => {
  const machine = labMachine().build();
  await grantDevice(machine.open(), nic);
  machine.failOn({ operation: "writeKernel", path: /\/reset$/, errno: "ENOTTY" });
  await revokeDevice(machine.open(), "01:00.0");
  machine.reboot();
  const warnings: string[] = [];
  await restore(machine.open(), { onWarning: (text) => warnings.push(text) });
  assert.deepEqual(warnings, ["0000:01:00.0 is in quarantine, and is held again"]);
  assert.deepEqual(readBinding(machine.open(), "0000:01:00.0"), { driver: "pci-stub", override: "pci-stub" });
});
