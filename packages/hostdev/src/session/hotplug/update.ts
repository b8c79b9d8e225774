// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import type { Disk } from "../../domain/devices/disk.ts";
import { formatDomain, placeDevices, readDomain } from "../../domain/parse.ts";
import { unsupported } from "../../xml/complaint.ts";
import type { DomainRun } from "../domain-run.ts";
import { parseOptions } from "../parse-for-host.ts";
import { launchEnvironment } from "../plan-launch.ts";
import { sourceOf } from "../summaries.ts";
import { assertSame } from "./assert-same.ts";
import { plugCommands } from "./commands.ts";
import { type Pluggable, readDevice, requireLike } from "./device-xml.ts";
import { dropUnusedNodes, highestNode } from "./nodes.ts";
import { readScreen, updateScreen } from "./update-screen.ts";

/**
 * Changes a device of a running guest as far as that can be done: the medium of a CD-ROM or floppy drive, the link of
 * a network card, the password of a screen.
 *
 * @throws {HostdevError} `HD_NO_GUEST_DEVICE`; `HD_DOMAIN_UNSUPPORTED`; `HD_QMP_COMMAND`.
 */
export async function update(host: Host, run: DomainRun, xml: string): Promise<void> {
  const screen = readScreen(xml);
  if (screen !== undefined) return updateScreen(run.vm, screen);
  const wanted = readDevice(xml);
  const present = requireLike(run.vm.domain, wanted);
  if (wanted.list === "disks" && present.list === "disks") return changeMedium(host, run, present, wanted);
  if (wanted.list === "interfaces" && present.list === "interfaces") {
    const { device } = present;
    if (wanted.device.type !== "hostdev" && device.type !== "hostdev" && device.alias !== undefined) {
      assertSame(wanted.device, wanted.device, device, ["link", "alias"], "the link of an interface");
      await run.vm.process.execute("set_link", { name: device.alias, up: wanted.device.link !== "down" });
      if (wanted.device.link === undefined) delete device.link;
      else device.link = wanted.device.link;
      return;
    }
  }
  throw unsupported(
    wanted.device,
    "it cannot be changed while the guest runs",
    "the medium of a drive, the link of an interface, or the password of a screen",
  );
}

async function changeMedium(
  host: Host,
  { vm, directory }: DomainRun,
  present: Extract<Pluggable, { list: "disks" }>,
  wanted: Extract<Pluggable, { list: "disks" }>,
): Promise<void> {
  const old = present.device;
  if (old.device !== "cdrom" && old.device !== "floppy")
    throw unsupported(wanted.device, "only drives have a medium that can be changed", "device cdrom or floppy");
  const { bus } = wanted.device.target;
  if (bus !== undefined && bus !== old.target.bus)
    throw unsupported(wanted.device, "its bus cannot be changed while the guest runs", "another medium");
  const next = { ...wanted.device, target: old.target, alias: old.alias, address: old.address } as Disk;
  const after = readDomain(formatDomain(vm.domain, "live"));
  after.devices.disks[vm.domain.devices.disks.indexOf(old)] = next;
  placeDevices(after, parseOptions(host));
  const environment = await launchEnvironment(host, vm.domain, directory);
  const taken = await highestNode(vm.process);
  const commands = plugCommands(after, { list: "disks", device: next }, environment, taken);
  const id = old.alias ?? "";
  const { process } = vm;
  await process.execute("blockdev-open-tray", { id, force: true });
  if (sourceOf(old) !== undefined) await process.execute("blockdev-remove-medium", { id });
  for (const command of commands) {
    if (command.execute !== "blockdev-add") {
      const node = command.arguments["drive"];
      if (typeof node === "string") await process.execute("blockdev-insert-medium", { id, "node-name": node });
    } else await process.execute("blockdev-add", command.arguments);
  }
  await process.execute("blockdev-close-tray", { id });
  if (next.source !== undefined) next.source.index = taken + 1;
  vm.domain.devices.disks[vm.domain.devices.disks.indexOf(old)] = next;
  await dropUnusedNodes(process);
}
