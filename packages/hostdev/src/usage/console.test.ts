// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeHost, fakeMachine } from "../../test/fake-host/index.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readUsage } from "./read-usage.ts";

const gpu0 = "0000:00:02.0";
const gpu1 = "0000:01:00.0";
const framebuffer = (name: string) => ({ at: `graphics/${name}`, class: "graphics" });

/** Two graphics cards with a framebuffer each; the firmware uses the first. */
function machine({ bootVga = true } = {}) {
  return fakeMachine()
    .function(gpu0, { class: "030000", driver: "i915", bootVga, children: [framebuffer("fb0")] })
    .function(gpu1, { class: "030000", driver: "nouveau", children: [framebuffer("fb1")] })
    .file("/sys/class/vtconsole/vtcon0/name", "(S) dummy device\n")
    .file("/sys/class/vtconsole/vtcon0/bind", "0\n")
    .file("/sys/class/vtconsole/vtcon1/name", "(M) frame buffer device\n")
    .file("/sys/class/vtconsole/vtcon1/bind", "1\n");
}

const pathsOf = (host: FakeHost) =>
  readUsage(host, enumerateFunctions(host)).uses.map(({ address, kind, path }) => `${address} ${kind}: ${path}`);

test("readUsage() finds the boot VGA and the framebuffer of the text console, and leaves a second card alone", () => {
  assert.deepEqual(pathsOf(machine().open()), [`${gpu0} console: fb0 -> text console`, `${gpu0} boot-vga: boot VGA`]);
});

test("readUsage() takes every framebuffer for used when the consoles are spread over them", () => {
  const host = machine({ bootVga: false }).file("/proc/cmdline", "ro fbcon=map:01 quiet\n").open();
  assert.deepEqual(pathsOf(host), [`${gpu0} console: fb0 -> text console`, `${gpu1} console: fb1 -> text console`]);
});

test("readUsage() takes a framebuffer for unused once the text console is unbound from it", () => {
  const host = machine({ bootVga: false }).file("/sys/class/vtconsole/vtcon1/bind", "0\n").open();
  assert.deepEqual(pathsOf(host), []);
});

test("readUsage() takes a boot VGA for given up once a stub has it", () => {
  const built = fakeMachine().iommu().function(gpu0, { class: "030000", bootVga: true, driver: "i915" }).build();
  built.modules.load("vfio-pci");
  built.rebind(gpu0, "vfio-pci");
  assert.deepEqual(pathsOf(built.open()), []);
});

test("readUsage() blames the boot VGA for the firmware's framebuffer", () => {
  const built = fakeMachine()
    .function(gpu0, { class: "030000" })
    .function(gpu1, { class: "030000", bootVga: true })
    .build();
  built.fs.link("/sys/class/graphics/fb0", "/sys/devices/platform/simple-framebuffer.0/graphics/fb0");
  assert.deepEqual(pathsOf(built.open()), [`${gpu1} console: fb0 -> text console`, `${gpu1} boot-vga: boot VGA`]);
});

test("readUsage() blames every display for the firmware's framebuffer when none is the boot VGA", () => {
  const built = fakeMachine().function(gpu0, { class: "030200" }).function(gpu1, { class: "030000" }).build();
  built.fs.link("/sys/class/graphics/fb0", "/sys/devices/platform/efi-framebuffer.0/graphics/fb0");
  assert.deepEqual(pathsOf(built.open()), [
    `${gpu0} console: fb0 -> text console`,
    `${gpu1} console: fb0 -> text console`,
  ]);
});

test("readUsage() finds serial cards and virtio consoles that carry the console", () => {
  const port = "0000:03:00.0:0/0000:03:00.0:0.1/tty/ttyS4";
  const host = fakeMachine()
    .function("0000:03:00.0", { class: "070002", driver: "serial", children: [{ at: port, class: "tty" }] })
    .function("0000:04:00.0", {
      class: "078000",
      driver: "virtio-pci",
      children: [{ at: "virtio3/virtio-ports/vport3p0", class: "virtio-ports" }],
    })
    .file("/proc/consoles", "ttyS4                -W- (EC p a)    4:68\ntty0                 -WU (E  p  )    4:1\n")
    .file("/sys/class/tty/console/active", "hvc0 ttyS4\n")
    .open();
  assert.deepEqual(pathsOf(host), ["0000:03:00.0 console: ttyS4 -> console", "0000:04:00.0 console: hvc0 -> console"]);
});
