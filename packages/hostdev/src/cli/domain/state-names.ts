// SPDX-License-Identifier: Apache-2.0

/** libvirt's numbers of states and events, in the words that virsh has for them. */

interface Names {
  readonly name: string;
  /** By number; the first is for what is not known. */
  readonly details: readonly string[];
}

const states: Readonly<Record<number, Names>> = {
  1: {
    name: "running",
    details: ["", "booted", "migrated", "restored", "from snapshot", "unpaused", "", "", "wakeup", "crashed"],
  },
  2: { name: "idle", details: [] },
  3: {
    name: "paused",
    details: [
      ...["", "user", "migrating", "saving", "dumping", "I/O error", "watchdog", "from snapshot"],
      ...["shutting down", "creating snapshot", "crashed", "starting up"],
    ],
  },
  4: { name: "in shutdown", details: ["", "user"] },
  5: {
    name: "shut off",
    details: ["", "shutdown", "destroyed", "crashed", "migrated", "saved", "failed", "from snapshot", "daemon"],
  },
  6: { name: "crashed", details: ["", "panicked"] },
  7: { name: "pmsuspended", details: [] },
};

const lifecycle: readonly Names[] = [
  { name: "defined", details: ["added", "updated", "renamed", "from snapshot"] },
  { name: "undefined", details: ["removed", "renamed"] },
  { name: "started", details: ["booted", "migrated", "restored", "from snapshot", "wakeup"] },
  { name: "suspended", details: ["paused", "migrated", "I/O error", "watchdog", "restored", "from snapshot"] },
  { name: "resumed", details: ["unpaused", "migrated", "from snapshot"] },
  { name: "stopped", details: ["shutdown", "destroyed", "crashed", "migrated", "saved", "failed"] },
  { name: "shutdown", details: ["finished", "on guest request", "on host request"] },
  { name: "pmsuspended", details: ["memory", "disk"] },
  { name: "crashed", details: ["panicked"] },
];

/** `running`, `shut off`. */
export function stateName(state: number): string {
  return states[state]?.name ?? `state ${state}`;
}

/** `booted`, `destroyed`; empty when there is nothing to say. */
export function reasonName(state: number, reason: number): string {
  return states[state]?.details[reason] ?? "";
}

/** `started (booted)`. */
export function lifecycleName(event: number, detail: number): string {
  const names = lifecycle[event];
  if (names === undefined) return `event ${event}/${detail}`;
  return `${names.name} (${names.details[detail] ?? detail})`;
}
