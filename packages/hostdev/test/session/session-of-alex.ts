// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { isHostdevError } from "../../src/core/errors.ts";
import type { Session } from "../../src/session/session-api.ts";
import { labMachine } from "../fake-host/index.ts";
import { installQemu, type QemuBehaviour } from "./fake-qemu.ts";

/** Of the domain that the tests define. */
export const uuid = "6b1a5f5e-1d0e-4c1f-8f57-0a6a1e6f0b01";
/** It, with these devices, and what else its XML is to have. */
export const xml = (devices = "", name = "one", more = "") =>
  `<domain type='qemu'><name>${name}</name><uuid>${uuid}</uuid><memory unit='MiB'>64</memory>
  <os><type machine='q35'>hvm</type></os>${more}<devices><serial type='pty'/>${devices}</devices></domain>`;

/** A machine where alex has a session, and a QEMU. */
export function machineOfAlex(behaviour: QemuBehaviour = {}) {
  const machine = labMachine().build();
  const root = machine.open();
  for (const path of ["/home/alex", "/run/user/1000"]) {
    root.makeDirectory(path, 0o755);
    root.setOwnership(path, { uid: 1000, gid: 1000, mode: 0o700 });
  }
  const started = installQemu(machine, behaviour);
  const environment = { HOME: "/home/alex", XDG_RUNTIME_DIR: "/run/user/1000" };
  const host = () => machine.open("alex", { environment, comm: "sessiond" });
  /** Kills the program of a session, as `kill -9` does. */
  const kill = (program: ReturnType<typeof host>) => machine.processes.end(program.process.pid);
  const running = () => machine.processes.all().filter(({ comm }) => comm === "qemu-system-x86_64");
  return { machine, started, host, kill, running };
}

/** Lets what is under way go on. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Waits until something is true. */
export async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; !isTrue() && tries < 400; tries++) await pause();
  assert.ok(isTrue());
}

/** What a session tells from now on, in short. */
export function listen(session: Session): string[] {
  const told: string[] = [];
  session.onEvent(({ name }, event) => {
    const detail = event.kind === "lifecycle" ? `${event.event}/${event.detail}` : event.kind;
    told.push(`${name} ${detail}${"alias" in event ? ` ${event.alias}` : ""}`);
  });
  return told;
}

/** For `assert.rejects`. */
export const hasCode = (code: Parameters<typeof isHostdevError>[1]) => (error: unknown) => isHostdevError(error, code);
