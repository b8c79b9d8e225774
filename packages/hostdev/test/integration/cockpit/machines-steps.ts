// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { Page } from "./browser.ts";
import {
  addsMarkedDevice,
  choosesFromMenu,
  deletesVm,
  forcesOff,
  marksHostDevice,
  removesHostDevice,
  seesList,
} from "./vm-page.ts";

/** What a step works on: the page, and virsh on the same daemon, which must agree with it. */
export interface Desk {
  readonly page: Page;
  readonly url: string;
  readonly virsh: (command: string) => string;
}

/** One thing that a user does on cockpit's page for VMs. `docs/compatibility.md` has the names. */
export interface Step {
  readonly name: string;
  readonly act: (desk: Desk) => Promise<void>;
}

const pciDevices = existsSync("/sys/bus/pci/devices") ? readdirSync("/sys/bus/pci/devices") : [];

/** The first PCI device that surely nobody lent to the test's user. */
export const device = pciDevices.find((address) => driverOf(address) !== "vfio-pci");

function driverOf(address: string): string | undefined {
  try {
    return basename(readlinkSync(`/sys/bus/pci/devices/${address}/driver`));
  } catch {
    return undefined; // no driver
  }
}

/**
 * virsh suspends the VM right after its start. cockpit asks for the state of a VM that started, but takes that of a
 * suspended one from the event: an answer from before the event may come after it. Then it happens once more.
 */
async function seesSuspended(page: Page, virsh: Desk["virsh"]): Promise<void> {
  for (let attempts = 3; ; attempts--) {
    virsh("suspend vm");
    try {
      return await page.sees("Paused", 5_000);
    } catch (error) {
      if (attempts === 1) throw error;
      virsh("resume vm");
    }
  }
}

const marksDevice = (page: Page) => marksHostDevice(page, device ?? "", pciDevices);

/** In this order: each goes on from what the ones before have left. */
export const machinesSteps: readonly Step[] = [
  {
    name: "the list shows the VM, its connection and its state",
    act: async ({ page, url }) => {
      await page.goTo(url);
      await seesList(page);
      await page.sees(/vm\s+User session\s+Shut off/);
    },
  },
  {
    name: "*Run* starts it",
    act: async ({ page, virsh }) => {
      await page.click("#vm-vm-session-run");
      await page.sees("Running");
      assert.match(virsh("domstate vm"), /^running/);
    },
  },
  {
    name: "what others do is shown: virsh suspends, resumes and destroys it",
    act: async ({ page, virsh }) => {
      await seesSuspended(page, virsh);
      for (const [command, state] of [
        ["resume", "Running"],
        ["destroy", "Shut off"],
      ] as const) {
        virsh(`${command} vm`);
        await page.sees(state);
      }
    },
  },
  {
    name: "its page tells memory, CPUs and machine, and has its serial console",
    act: async ({ page, virsh }) => {
      virsh("start vm");
      await page.click("a", "vm");
      await page.sees(/Memory\s+64.0 MiB/);
      await page.sees(/Emulated machine\s+pc-q35/);
      await page.sees("Connected to domain 'vm'");
    },
  },
  {
    name: "its memory and CPU use is shown",
    act: async ({ page }) => {
      await page.sees(/Memory\s+[1-9][\d.]* \/ 64 MiB/);
    },
  },
  {
    name: "*Pause*, *Resume*, *Send non-maskable interrupt*, *Force shut down*",
    act: async ({ page, virsh }) => {
      await choosesFromMenu(page, "vm", "Pause");
      await page.sees("Paused");
      assert.match(virsh("domstate vm"), /^paused/);
      await choosesFromMenu(page, "vm", "Resume");
      await page.sees("Running");
      await choosesFromMenu(page, "vm", "Send non-maskable interrupt");
      await forcesOff(page, "vm");
      assert.match(virsh("domstate vm --reason"), /^shut off \(destroyed\)/);
    },
  },
  {
    name: "*Autostart* marks it",
    act: async ({ page, virsh }) => {
      await page.click("label.pf-c-switch");
      await page.until("document.querySelector('label.pf-c-switch input').checked");
      assert.match(virsh("dominfo vm"), /Autostart: +enable/);
    },
  },
  {
    name: "*Add network interface* plugs in a card on the user's own network",
    act: async ({ page, virsh }) => {
      await page.click("button", "Add network interface");
      await page.choose("#vm-vm-add-iface-type", "user");
      await page.click("#vm-vm-add-iface-add");
      await page.until("document.querySelector('#vm-vm-network-1-type')?.innerText.includes('user')");
      assert.match(virsh("domiflist vm"), /user .* virtio/);
    },
  },
  {
    name: "*Add host device* lists the host's PCI devices, and gives one to the VM",
    act: async ({ page, virsh }) => {
      await marksDevice(page);
      await addsMarkedDevice(page, "vm", device ?? "");
      const [, domain, bus, slot, number] = /^(\w+):(\w+):(\w+)\.(\w)$/.exec(device ?? "") ?? [];
      const address = `<address domain='0x${domain}' bus='0x${bus}' slot='0x${slot}' function='0x${number}'/>`;
      const xml = virsh("dumpxml vm --inactive");
      assert.match(xml, /<hostdev mode='subsystem' type='pci' managed='yes'>/);
      assert.ok(xml.includes(address), xml);
    },
  },
  {
    name: "*Run* with a device that nobody lent says why it cannot start, and what to do",
    act: async ({ page, virsh }) => {
      await page.click("#vm-vm-session-run");
      await page.click("button", "view more");
      await page.sees(/Cannot assign [\da-f:.]+: /);
      assert.match(virsh("domstate vm"), /^shut off/);
    },
  },
  {
    name: "*Remove* takes the device out again",
    act: async ({ page, virsh }) => {
      await removesHostDevice(page, "vm");
      assert.doesNotMatch(virsh("dumpxml vm --inactive"), /<hostdev/);
    },
  },
  {
    name: "*Add host device* to a running VM is refused for the same reason",
    act: async ({ page }) => {
      await page.click("#vm-vm-session-run");
      await page.sees("Running");
      await marksDevice(page);
      await page.click("#vm-vm-hostdevs-attach");
      await page.sees("Host device could not be attached");
      await page.sees(/Cannot assign [\da-f:.]+: /);
      await page.click("#vm-vm-hostdevs-cancel");
    },
  },
  {
    name: "*Delete* ends it and removes it",
    act: async ({ page, virsh }) => {
      await deletesVm(page, "vm");
      assert.equal(virsh("list --all --name").trim(), "");
    },
  },
];
