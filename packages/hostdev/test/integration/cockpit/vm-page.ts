// SPDX-License-Identifier: Apache-2.0
import type { Page } from "./browser.ts";

/*
 * What several tests do on cockpit's page for VMs: that of Debian 12 (cockpit-machines 288) and that of Debian 13 (332).
 */

/** Waits for the list, once the user is logged in; where there is no KVM the page of Debian 12 says so first. */
export async function seesList(page: Page): Promise<void> {
  await page.sees(/Ignore|User session/);
  if ((await page.text()).includes("Ignore")) await page.click("button", "Ignore");
  await page.sees("User session");
}

/** Chooses from the menu of a VM. */
export async function choosesFromMenu(page: Page, vm: string, item: string): Promise<void> {
  await page.click(`#vm-${vm}-session-action-kebab`);
  await page.click("[role=menuitem]", item);
}

/** Says to a dialog that something is meant. */
export async function confirms(page: Page, what: string): Promise<void> {
  await page.click("[role=dialog] footer button", what);
}

/** Ends the VM's guest; Debian 13's page asks whether that is meant. */
export async function forcesOff(page: Page, vm: string): Promise<void> {
  await choosesFromMenu(page, vm, "Force shut down");
  await page.sees(/Shut off|Force shut down \S+\?/);
  if (!(await page.text()).includes("Shut off")) await confirms(page, "Force shut down");
  await page.sees("Shut off");
}

/** Opens the dialog *Add host device* of the VM that is shown, and marks a device there; the dialog must list all of these. */
export async function marksHostDevice(page: Page, device: string, all: readonly string[] = [device]): Promise<void> {
  await page.click("button", "Add host device");
  await page.click("#pci");
  const rows = "[...document.querySelectorAll('[role=dialog] tr:has(input)')]";
  const index = `${rows}.findIndex((row) => row.innerText.includes(${JSON.stringify(device)}))`;
  for (const address of all) await page.sees(address);
  await page.evaluate(`${rows}[${index}].querySelector("input").id = "wanted"`);
  await page.click("#wanted");
}

/** Gives what is marked to the VM, and waits until it is in the table of its host devices. */
export async function addsMarkedDevice(page: Page, vm: string, device: string): Promise<void> {
  await page.click(`#vm-${vm}-hostdevs-attach`);
  await page.until("document.querySelector('[role=dialog]') === null");
  await page.until(`document.querySelector("#vm-${vm}-hostdevs").innerText.includes("${device}")`);
}

/** Takes the only host device out of the VM again. */
export async function removesHostDevice(page: Page, vm: string): Promise<void> {
  await page.click(`#vm-${vm}-hostdevs button`, "Remove");
  await page.click("#delete-resource-modal-primary");
  await page.sees("No host devices assigned to this VM");
}

/** Deletes the VM that is shown, which is the only one. */
export async function deletesVm(page: Page, vm: string): Promise<void> {
  await choosesFromMenu(page, vm, "Delete");
  await confirms(page, "Delete");
  await page.sees("No VM is running or defined on this host");
}
