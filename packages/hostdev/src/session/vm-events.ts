// SPDX-License-Identifier: Apache-2.0

/**
 * What an event of QEMU means for a domain: pure, in libvirt's terms (its qemu_process.c), and checked against what a
 * libvirt 9.0 tells of the same guest.
 */
import type { Domain } from "../domain/domain.ts";
import type { QmpEvent } from "../qmp/client.ts";
import { type DomainState, domainState, lifecycleDetail, lifecycleEvent, stateReason } from "./domain-state.ts";
import type { SessionEvent } from "./session-events.ts";
import { sourceOf } from "./summaries.ts";

/** What an event meets. */
export interface VmView {
  readonly state: DomainState;
  readonly domain: Domain;
  /** A start, or a boot after a power-off that is a reboot, is not over: what stops and goes on meanwhile is no news. */
  readonly isStarting: boolean;
  /** Power-off is the first half of a reboot that was asked for. */
  readonly isRebooting: boolean;
}

/** What an event brings about. */
export interface VmReaction {
  readonly state?: DomainState;
  readonly events: readonly SessionEvent[];
  readonly act?: VmAct;
}

/** What is to be done about an event. */
export type VmAct =
  | { readonly kind: "end" }
  /** Reset the guest, and let it run. */
  | { readonly kind: "restart" }
  | { readonly kind: "device-gone" | "device-stays"; readonly alias: string }
  | { readonly kind: "memory"; readonly actualKiB: number }
  | { readonly kind: "channel"; readonly alias: string; readonly isOpen: boolean };

const nothing: VmReaction = { events: [] };
const lifecycle = (event: number, detail: number): SessionEvent => ({ kind: "lifecycle", event, detail });
const watchdogActions = ["none", "pause", "reset", "poweroff", "shutdown", "debug", "inject-nmi"];
const paused = (reason: number): DomainState => ({ state: domainState.paused, reason });

/** The reaction to one event. */
export function reactTo({ event, data }: QmpEvent, view: VmView): VmReaction {
  const isRunning = view.state.state === domainState.running;
  switch (event) {
    case "STOP":
      if (view.isStarting || !isRunning) return nothing;
      return {
        state: paused(stateReason.paused.user),
        events: [lifecycle(lifecycleEvent.suspended, lifecycleDetail.suspended.paused)],
      };
    case "RESUME":
      if (view.isStarting || view.state.state !== domainState.paused) return nothing;
      return {
        state: { state: domainState.running, reason: stateReason.running.unpaused },
        events: [lifecycle(lifecycleEvent.resumed, lifecycleDetail.resumed.unpaused)],
      };
    case "SHUTDOWN":
      return onShutdown(data, view);
    case "RESET":
      return { events: [{ kind: "reboot" }] };
    case "GUEST_PANICKED":
      return onPanic(view);
    case "WATCHDOG": {
      const action = Math.max(0, watchdogActions.indexOf(String(data["action"])));
      return trouble({ kind: "watchdog", action }, action === 1 && isRunning, "watchdog");
    }
    case "BLOCK_IO_ERROR":
      return onIoError(data, view, isRunning);
    case "RTC_CHANGE":
      return { events: [{ kind: "rtc-change", offsetSeconds: Number(data["offset"]) }] };
    case "BALLOON_CHANGE":
      return {
        events: [{ kind: "balloon-change", actualKiB: Math.floor(Number(data["actual"]) / 1024) }],
        act: { kind: "memory", actualKiB: Math.floor(Number(data["actual"]) / 1024) },
      };
    case "DEVICE_TRAY_MOVED": {
      const alias = aliasOf(data["id"]) ?? aliasOf(data["device"]);
      if (alias === undefined) return nothing;
      return { events: [{ kind: "tray-change", alias, reason: data["tray-open"] === true ? 0 : 1 }] };
    }
    case "SUSPEND":
    case "SUSPEND_DISK": {
      const detail = lifecycleDetail.pmSuspended[event === "SUSPEND" ? "memory" : "disk"];
      return {
        state: { state: domainState.pmSuspended, reason: stateReason.pmSuspended.unknown },
        events: [
          { kind: event === "SUSPEND" ? "pm-suspend" : "pm-suspend-disk" },
          lifecycle(lifecycleEvent.pmSuspended, detail),
        ],
      };
    }
    case "WAKEUP":
      if (view.state.state !== domainState.pmSuspended) return { events: [{ kind: "pm-wakeup" }] };
      return {
        state: { state: domainState.running, reason: stateReason.running.wakeup },
        events: [{ kind: "pm-wakeup" }, lifecycle(lifecycleEvent.started, lifecycleDetail.started.wakeup)],
      };
    case "DEVICE_DELETED": {
      const alias = aliasOf(data["device"]);
      if (alias === undefined) return nothing; // a part of a device
      const isCpu = /^vcpu\d+$/.test(alias); // which clients are not told of as a device
      if (isCpu) return { events: [], act: { kind: "device-gone", alias } };
      return { events: [{ kind: "device-removed", alias }], act: { kind: "device-gone", alias } };
    }
    case "DEVICE_UNPLUG_GUEST_ERROR":
    case "MEM_UNPLUG_ERROR": {
      const alias = aliasOf(data["device"]);
      if (alias === undefined) return nothing;
      return { events: [{ kind: "device-removal-failed", alias }], act: { kind: "device-stays", alias } };
    }
    case "BLOCK_WRITE_THRESHOLD":
      return onThreshold(data, view);
    case "VSERPORT_CHANGE":
      return onPort(data, view);
    default:
      return nothing;
  }
}

/** The guest has powered off, or QEMU was told to end; QEMU waits for us, as it runs with -no-shutdown. */
function onShutdown(data: QmpEvent["data"], { state, domain, isRebooting }: VmView): VmReaction {
  if (state.state === domainState.shutdown) return nothing; // told again when QEMU ends
  const isGuest = data["guest"] === true;
  if (isGuest && (isRebooting || domain.onPoweroff === "restart") && data["reason"] !== "guest-reset") {
    return { events: [], act: { kind: "restart" } };
  }
  return {
    state: { state: domainState.shutdown, reason: stateReason.shutdown.unknown },
    events: [lifecycle(lifecycleEvent.shutdown, lifecycleDetail.shutdown[isGuest ? "guest" : "host"])],
    act: { kind: "end" },
  };
}

function onPanic({ domain }: VmView): VmReaction {
  const panic = {
    state: { state: domainState.crashed, reason: stateReason.crashed.panicked },
    events: [lifecycle(lifecycleEvent.crashed, lifecycleDetail.crashed.panicked)],
  };
  if (domain.onCrash === "preserve") return panic;
  return { ...panic, act: { kind: domain.onCrash?.endsWith("restart") === true ? "restart" : "end" } };
}

function onIoError(data: QmpEvent["data"], { domain }: VmView, isRunning: boolean): VmReaction {
  // Older QEMUs name the node only.
  const named = aliasOf(data["qom-path"]) ?? aliasOf(data["device"]);
  const disk = domain.devices.disks.find((one) => one.alias === named) ?? diskOfNode(domain, String(data["node-name"]));
  const alias = disk?.alias ?? named ?? "";
  const path =
    (disk?.type === "file" ? disk.source?.file : disk?.type === "block" ? disk.source?.dev : undefined) ?? "";
  const action = Math.max(0, ["ignore", "stop", "report"].indexOf(String(data["action"])));
  const reason = data["nospace"] === true ? "enospc" : "";
  return trouble({ kind: "io-error", path, alias, action, reason }, action === 1 && isRunning, "ioError");
}

/** The disk that has this block node. */
function diskOfNode({ devices }: Domain, name: string) {
  const index = Number(/^libvirt-(\d+)-(storage|format)$/.exec(name)?.[1]);
  return devices.disks.find(({ source }) => source?.index === index);
}

function onThreshold(data: QmpEvent["data"], { domain }: VmView): VmReaction {
  const disk = diskOfNode(domain, String(data["node-name"]));
  if (disk === undefined) return nothing;
  const path = sourceOf(disk);
  const bytes = { threshold: Number(data["write-threshold"]), excess: Number(data["amount-exceeded"]) };
  return { events: [{ kind: "block-threshold", device: `${disk.target.dev}[${disk.source?.index}]`, path, ...bytes }] };
}

/** Something that may stop the guest. */
function trouble(event: SessionEvent, isStopped: boolean, why: "watchdog" | "ioError"): VmReaction {
  if (!isStopped) return { events: [event] };
  return {
    state: paused(stateReason.paused[why]),
    events: [event, lifecycle(lifecycleEvent.suspended, lifecycleDetail.suspended[why])],
  };
}

/** The name of the port by which a guest's agent is reached. */
export const agentPort = "org.qemu.guest_agent.0";

function onPort(data: QmpEvent["data"], { domain }: VmView): VmReaction {
  const channel = domain.devices.channels.find((one) => one.alias === data["id"]);
  if (channel?.target.type !== "virtio") return nothing;
  const act = { kind: "channel", alias: String(data["id"]), isOpen: data["open"] === true } as const;
  if (channel.target.name !== agentPort) return { events: [], act };
  return { events: [{ kind: "agent-lifecycle", state: act.isOpen ? 1 : 2, reason: 2 }], act };
}

/** The alias in an id or a QOM path such as `/machine/peripheral/virtio-disk0/virtio-backend`. */
export function aliasOf(value: unknown): string | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const match = /^\/machine\/peripheral\/([^/]+)/.exec(value);
  if (match !== null) return match[1];
  return value.startsWith("/") ? undefined : value;
}
