// SPDX-License-Identifier: Apache-2.0

/**
 * States of domains, why they are in them, and what happens to them: with the numbers that libvirt's clients know.
 *
 * @see https://libvirt.org/html/libvirt-libvirt-domain.html
 */

/** `virDomainState`. */
export const domainState = {
  running: 1,
  paused: 3,
  /** The guest has powered off, and QEMU is about to end. */
  shutdown: 4,
  shutOff: 5,
  crashed: 6,
  pmSuspended: 7,
} as const;

/** `virDomainRunningReason` and its siblings, a table for each state. */
export const stateReason = {
  running: { unknown: 0, booted: 1, unpaused: 5, wakeup: 8, crashed: 9 },
  paused: { unknown: 0, user: 1, ioError: 5, watchdog: 6, shuttingDown: 8, crashed: 10, startingUp: 11, apiError: 14 },
  shutdown: { unknown: 0, user: 1 },
  shutOff: { unknown: 0, shutdown: 1, destroyed: 2, crashed: 3, failed: 6, daemon: 8 },
  crashed: { unknown: 0, panicked: 1 },
  pmSuspended: { unknown: 0 },
} as const;

/** `virDomainEventType`. */
export const lifecycleEvent = {
  defined: 0,
  undefined: 1,
  started: 2,
  suspended: 3,
  resumed: 4,
  stopped: 5,
  shutdown: 6,
  pmSuspended: 7,
  crashed: 8,
} as const;

/** `virDomainEventDefinedDetailType` and its siblings, a table for each event. */
export const lifecycleDetail = {
  defined: { added: 0, updated: 1, renamed: 2 },
  undefined: { removed: 0, renamed: 1 },
  started: { booted: 0, wakeup: 4 },
  suspended: { paused: 0, ioError: 2, watchdog: 3, apiError: 6 },
  resumed: { unpaused: 0 },
  stopped: { shutdown: 0, destroyed: 1, crashed: 2, failed: 5 },
  shutdown: { finished: 0, guest: 1, host: 2 },
  pmSuspended: { memory: 0, disk: 1 },
  crashed: { panicked: 0 },
} as const;

/** State and reason of a domain, in libvirt's numbers. */
export interface DomainState {
  readonly state: (typeof domainState)[keyof typeof domainState];
  readonly reason: number;
}
