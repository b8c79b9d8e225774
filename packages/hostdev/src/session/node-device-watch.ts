// SPDX-License-Identifier: Apache-2.0
import type { Readable } from "node:stream";
import { isHostdevError } from "../core/errors.ts";
import type { Host, RunningProgram } from "../core/host.ts";
import { type ListedNodeDevice, listNodeDevices } from "../nodedev/list-node-devices.ts";
import { readLinkName } from "../pci/sysfs.ts";
import { groupNode } from "../vfio/nodes.ts";

/** Something happened to a node device. */
export interface NodeDeviceChange {
  readonly name: string;
  readonly change: "created" | "deleted" | "updated";
}
export type NodeDeviceListener = (change: NodeDeviceChange) => void;

/** How long the kernel's burst of events for one change may take before we look. */
const settleMs = 100;
/** How often we look where nobody tells us. Owners of group nodes change without an event. */
const pollMs = 2000;

/**
 * Tells of node devices that come, go and change, while anybody listens: a driver bound or unbound, a group node made,
 * gone, or given to somebody. libvirt tells nothing of the latter two.
 *
 * Touches: runs `udevadm monitor`, which only says when to look; reads sysfs and `/dev/vfio`. Needs: nothing.
 */
export class NodeDeviceWatch {
  readonly #host: Host;
  readonly #listeners = new Set<NodeDeviceListener>();
  #known: ReadonlyMap<string, string> = new Map();
  #monitor: RunningProgram | undefined;
  #settling: NodeJS.Timeout | undefined;
  #polling: NodeJS.Timeout | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Calls `listener` for every change from now on. @returns the end of it. */
  onChange(listener: NodeDeviceListener): () => void {
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  /** Looks now, and tells what differs from the last look. */
  look(): void {
    const now = snapshot(this.#host);
    const before = this.#known;
    this.#known = now;
    for (const name of before.keys()) if (!now.has(name)) this.#tell({ name, change: "deleted" });
    for (const [name, state] of now) {
      const old = before.get(name);
      if (old === undefined) this.#tell({ name, change: "created" });
      else if (old !== state) this.#tell({ name, change: "updated" });
    }
  }

  /** Stops watching. */
  close(): void {
    clearTimeout(this.#settling);
    clearInterval(this.#polling);
    if (this.#monitor !== undefined) this.#host.kill(this.#monitor.pid, "SIGTERM");
    this.#monitor = undefined;
  }

  #start(): void {
    this.#known = snapshot(this.#host);
    this.#polling = setInterval(() => this.look(), pollMs).unref();
    void this.#startMonitor();
  }

  async #startMonitor(): Promise<void> {
    try {
      const monitor = await this.#host.spawn("udevadm", ["monitor", "--kernel", "--udev"]);
      if (this.#listeners.size === 0) return void this.#host.kill(monitor.pid, "SIGTERM");
      this.#monitor = monitor;
      this.#follow(monitor.stdout);
      monitor.stderr?.resume();
    } catch (error) {
      if (!isHostdevError(error, "HD_COMMAND_NOT_FOUND")) throw error; // without udev we look now and then
    }
  }

  #follow(events: Readable | null): void {
    events?.on("data", () => {
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => this.look(), settleMs);
    });
  }

  #tell(change: NodeDeviceChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** By name, what of a device can change while it stays. */
function snapshot(host: Host): ReadonlyMap<string, string> {
  return new Map(listNodeDevices(host).map((listed) => [listed.name, stateOf(host, listed)]));
}

function stateOf(host: Host, { type, device }: ListedNodeDevice): string {
  if (type !== "pci") return "";
  const group = readLinkName(host, `${device.path}/iommu_group`);
  const node = group === undefined ? undefined : host.status(groupNode(Number(group)));
  return [device.driver, node?.uid, node?.gid, node?.mode].join(" ");
}
