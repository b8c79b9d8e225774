// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeHost } from "../../../test/fake-host/index.ts";
import { nodedevMachine } from "../../../test/golden/nodedev/machine.ts";
import { runProgram } from "../run-program.ts";
import { userProgram } from "../user-program.ts";

async function run(host: FakeHost, ...args: readonly string[]) {
  const written = { stdout: "", stderr: "" };
  const print = (text: string) => {
    written.stdout += text;
  };
  const warn = (text: string) => {
    written.stderr += text;
  };
  const status = await runProgram(userProgram, args, host, { print, warn, width: undefined, hasColour: false });
  return { ...written, status };
}

const host = nodedevMachine().open("alex");

test("hostdev nodedev-list --cap takes several of libvirt's names, also those of further capabilities", async () => {
  assert.deepEqual(await run(host, "nodedev-list", "--cap", "drm,scsi,mdev_types"), {
    stdout: "drm_card0\ndrm_renderD128\npci_0000_04_03_0\nscsi_0_0_0_0\n",
    stderr: "",
    status: 0,
  });
  assert.equal((await run(host, "nodedev-list", "--cap", "ccw")).stdout, "");
});

test("hostdev nodedev-list refuses names that libvirt does not have, and a tree of some", async () => {
  const wrong = await run(host, "nodedev-list", "--cap", "pci,gpu");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /Cannot take "gpu" as --cap[\s\S]*system, pci, usb_device/);
  assert.equal((await run(host, "nodedev-list", "--cap", "pci", "--tree")).status, 2);
});

test("hostdev nodedev-list --json gives names, parents and capabilities", async () => {
  const { stdout } = await run(host, "nodedev-list", "--json", "--cap", "system,mdev_types");
  assert.deepEqual(JSON.parse(stdout), {
    version: 1,
    devices: [
      { name: "computer", parent: null, capabilities: ["system"] },
      { name: "pci_0000_04_03_0", parent: "pci_0000_03_00_0", capabilities: ["pci", "mdev_types"] },
    ],
  });
});

test("hostdev nodedev-dumpxml prints one device after the other, or none if one is unknown", async () => {
  const { stdout } = await run(host, "nodedev-dumpxml", "--strict-libvirt", "drm_card0", "01:00.0");
  assert.deepEqual(stdout.match(/(?<=<name>)(drm|pci)_\w+(?=<)/g), ["drm_card0", "pci_0000_01_00_0"]);
  assert.doesNotMatch(stdout, /pci-express/);
  const unknown = await run(host, "nodedev-dumpxml", "drm_card0", "nope");
  assert.deepEqual([unknown.stdout, unknown.status], ["", 3]);
  assert.match(unknown.stderr, /There is no node device "nope"/);
});
