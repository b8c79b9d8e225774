// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { bigMachine, desktopMachine, labMachine } from "./index.ts";

test("labMachine() has every function on the driver that the lab has it on", () => {
  const { drivers } = labMachine().build().snapshot();
  assert.equal(drivers["0000:01:00.0"], "e1000e");
  assert.equal(drivers["0000:02:00.0"], "nvme");
  assert.equal(drivers["0000:04:02.0"], "none");
  assert.equal(drivers["0000:06:00.0"], "xhci_hcd");
});

test("desktopMachine() has its root file system on NVMe, behind sysfs's block devices", () => {
  const host = desktopMachine().open();
  assert.match(host.readText("/proc/self/mounts") ?? "", /^\/dev\/nvme0n1p2 \/ ext4 /);
  assert.match(host.readText("/proc/self/mountinfo") ?? "", /^21 1 259:2 \/ \/ rw/);
  assert.match(host.realPath("/sys/dev/block/259:2") ?? "", /\/0000:02:00\.0\/nvme\/nvme0\/nvme0n1\/nvme0n1p2$/);
  assert.match(host.readText("/proc/swaps") ?? "", /^\/dev\/nvme0n1p3 /m);
  assert.equal(host.readText("/sys/bus/pci/devices/0000:00:02.0/boot_vga"), "1\n");
  assert.equal(host.readText("/sys/bus/pci/devices/0000:00:14.0/usb1/1-1/product"), "Keyboard\n");
});

test("bigMachine() builds 4096 functions in groups of eight", () => {
  const machine = bigMachine(4096).build();
  const host = machine.open();
  const endpoints = (host.list("/sys/bus/pci/devices") ?? []).filter((address) =>
    host.realPath(`/sys/bus/pci/devices/${address}/driver`)?.endsWith("e1000e"),
  );
  assert.equal(endpoints.length, 4096);
  assert.equal(host.list("/sys/kernel/iommu_groups/1000/devices")?.length, 8);
});
