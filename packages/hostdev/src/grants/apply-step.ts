// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import type { Host, Ownership } from "../core/host.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readPciFunction } from "../pci/pci-function.ts";
import { pciDevices } from "../pci/sysfs.ts";
import { readUsage } from "../usage/read-usage.ts";
import { type Binding, isSameBinding, readBinding, setBinding } from "../vfio/binding.ts";
import { assertNotHeld } from "../vfio/holders.ts";
import { isModulePresent, loadModule, unloadModule } from "../vfio/modules.ts";
import { readVfSettings, setVfSettings } from "../vfio/vf-settings.ts";
import { isVfioDriver } from "../vfio/viability.ts";
import { applyClean } from "./apply-clean.ts";
import { applyMemlock } from "./apply-memlock.ts";
import { applyUnit } from "./apply-unit.ts";
import { putOwnFile, readOwnFile } from "./own-file.ts";
import { readQuarantine } from "./quarantine.ts";
import { describeStep, type Step } from "./step.ts";

/**
 * Brings the machine from `from` to `to`. What is at `to` already is left alone, also half-done work of a step that
 * was killed; what is at neither is somebody else's doing, and refused.
 *
 * Needs: root. Touches: what the step names.
 * After a failure: calling it again, or with the inverted step, goes on from wherever it stopped.
 *
 * @throws {HostdevError} `HD_STATE_CONFLICT`, `HD_GROUP_HELD`, and what the acts themselves throw.
 */
export async function applyStep(host: Host, step: Step): Promise<void> {
  switch (step.kind) {
    case "module":
      if (step.to === "absent") return unloadModule(host, step.module);
      return isModulePresent(host, step.module) ? undefined : loadModule(host, step.module);
    case "binding":
      return applyBinding(host, step);
    case "clean":
      return applyClean(host, step);
    case "vf":
      return applyVf(host, step);
    case "memlock":
      return applyMemlock(host, step);
    case "file":
      return applyFile(host, step);
    case "unit":
      if (await applyUnit(host, step)) return;
      throw conflict(step, "a file of somebody else");
    case "owner":
      return applyOwner(host, step);
  }
}

function conflict(step: Step, found: string): HostdevError {
  const { from, to } = step;
  const details = { what: describeStep(step), from: JSON.stringify(from), to: JSON.stringify(to), found };
  return new HostdevError(
    "HD_STATE_CONFLICT",
    `Cannot ${describeStep(step)}: found ${found}, not what was there before`,
    details,
  );
}

async function applyBinding(host: Host, step: Step & { kind: "binding" }): Promise<void> {
  const { address, from, to } = step;
  // What is in quarantine does not go back to the host until it is released; what was said of it is in its record.
  if (!isTaking(to) && readQuarantine(host, address) !== undefined) return;
  if (host.status(`${pciDevices}/${address}`) === undefined) {
    if (isTaking(to)) readBinding(host, address); // throws: nothing to take
    return; // the device was pulled out: nothing to give back
  }
  const now = readBinding(host, address);
  if (isSameBinding(now, to)) return;
  // setBinding passes through: override written, driver still the old one; then no driver.
  const isBetween =
    (now.override === from.override || now.override === to.override || now.override === to.driver) &&
    (now.driver === from.driver || now.driver === to.driver || now.driver === null);
  if (!isBetween) throw conflict(step, describeBinding(now));
  const group = readPciFunction(host, address)?.group ?? null;
  // An unbind under a holder hangs in the kernel until he lets go.
  if (isVfioDriver(now.driver) && group !== null) await assertNotHeld(host, group);
  if (isTaking(to) && now.driver !== null && !isTaking(now) && !step.isForced) assertUnused(host, address);
  await setBinding(host, address, to);
}

function isTaking({ driver }: Binding): boolean {
  return isVfioDriver(driver) || driver === "pci-stub";
}

/** The host may have begun to use it since the plan was made; unbinding a disk or a network card asks nobody. */
function assertUnused(host: Host, address: string): void {
  const { uses } = readUsage(host, enumerateFunctions(host));
  const found = uses.filter((use) => use.address === address);
  if (found.length === 0) return;
  const message = `Cannot take ${address}: the host uses it now: ${found.map(({ text }) => text).join("; ")}`;
  const details = found.map(({ kind, path }) => ({ address, kind, path }));
  throw new HostdevError("HD_IN_USE", message, { address, uses: details });
}

function describeBinding({ driver, override }: Binding): string {
  return `driver ${driver ?? "none"}, driver_override ${override ?? "none"}`;
}

async function applyVf(host: Host, step: Step & { kind: "vf" }): Promise<void> {
  const { physicalFunction, index, from, to } = step;
  const isThere = host.status(`${pciDevices}/${physicalFunction}/virtfn${index}`) !== undefined;
  if (!isThere) return; // with it, what it was held to is gone; a binding that is to come will tell
  const now = await readVfSettings(host, physicalFunction, index);
  const isBetween = (["mac", "vlan"] as const).every((key) => now[key] === from[key] || now[key] === to[key]);
  if (!isBetween) throw conflict(step, `MAC ${now.mac}, VLAN ${now.vlan}`);
  await setVfSettings(host, physicalFunction, index, to);
}

function applyFile(host: Host, step: Step & { kind: "file" }): void {
  const { path, from, to } = step;
  const now = readOwnFile(host, path);
  if (now !== from && now !== to) throw conflict(step, now === null ? "no file" : "another text");
  putOwnFile(host, path, to);
}

function applyOwner(host: Host, step: Step & { kind: "owner" }): void {
  const { path, from, to } = step;
  const now = host.status(path);
  if (now === undefined) {
    // The node goes when the last member leaves vfio: then it is nobody's.
    if (to.uid === 0) return;
    throw conflict(step, "no node: the kernel has not made it");
  }
  const isSame = (a: Ownership) => now.uid === a.uid && now.gid === a.gid && now.mode === a.mode;
  if (isSame(to)) return;
  // The kernel makes nodes anew as root's 0600; setOwnership passes through mode 0.
  const isBetween = isSame(from) || now.mode === 0 || (now.uid === 0 && now.mode === 0o600);
  if (!isBetween || now.kind !== "character-device")
    throw conflict(step, `${now.uid}:${now.gid} ${now.mode.toString(8)}`);
  host.setOwnership(path, to);
}
