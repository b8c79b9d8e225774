// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import type { Ending } from "./ending.ts";
import { endHelpers, startHelpers } from "./helpers.ts";
import { LiveVm } from "./live-vm.ts";
import { planLaunch, redirectConsole } from "./plan-launch.ts";
import { prepareLaunch } from "./prepare-launch.ts";

/** The user's side of a VM in the foreground. */
export interface Foreground {
  /** Guest's serial console to the user; called with what the guest writes. */
  readonly onConsole: (chunk: Buffer) => void;
  /** Called once with the way to the guest's console. */
  readonly attachInput: (write: (chunk: Buffer) => void) => void;
  readonly onState: (text: string) => void;
  /** Aborted: ask the guest to power off, and after `graceMs` end it. */
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** Aborted: end it at once. */
  readonly force: AbortSignal;
  /** After this the VM is ended; `undefined`: it may run for ever. */
  readonly timeoutMs?: number;
}

/**
 * Runs a VM until it ends, in the same way as a session does. Its console is connected before the guest gets to run,
 * so nothing it says is lost.
 *
 * @param directory for its sockets and what QEMU says; the caller removes it after.
 * @returns how it ended, and whether it was the time that was over.
 * @throws {HostdevError} as `prepareLaunch`, `planLaunch` and `LiveVm.start`.
 */
export async function runInForeground(
  host: Host,
  domain: Domain,
  directory: string,
  user: Foreground,
): Promise<{ readonly ending: Ending; readonly isTimedOut: boolean }> {
  const consolePath = redirectConsole(domain, directory);
  await prepareLaunch(host, domain, directory);
  const launch = await planLaunch(host, domain, { directory, logPath: `${directory}/qemu.log` });
  const vm = await startHelpers(host, domain, directory)
    .then(() => LiveVm.start(host, domain, launch, () => {}))
    .catch((error) => {
      endHelpers(host, directory);
      throw error;
    });
  // QEMU may outlive us, so its process keeps no program alive: this one stays until it knows how QEMU ended.
  const staying = setInterval(() => {}, 60_000);
  let isTimedOut = false;
  const timer = user.timeoutMs === undefined ? undefined : setTimeout(onTimeout, user.timeoutMs);
  const onAbort = () => void stopGently(host, vm, user);
  user.signal.addEventListener("abort", onAbort);
  const onForce = () => void vm.destroy();
  user.force.addEventListener("abort", onForce);
  try {
    const stream = consolePath === undefined ? undefined : await host.connect(consolePath);
    const drained = stream === undefined ? Promise.resolve() : attachConsole(stream, user);
    await vm.run();
    user.onState(`VM "${domain.name}" runs as process ${vm.process.identity.pid}`);
    if (user.signal.aborted) onAbort();
    const ending = await vm.ended;
    await Promise.race([drained, host.sleep(1000)]);
    return { ending, isTimedOut };
  } catch (error) {
    await vm.destroy();
    throw error;
  } finally {
    clearInterval(staying);
    clearTimeout(timer);
    user.signal.removeEventListener("abort", onAbort);
    user.force.removeEventListener("abort", onForce);
  }

  function onTimeout(): void {
    isTimedOut = true;
    void vm.destroy();
  }
}

/** @returns a promise for the end of what the guest writes. */
function attachConsole(stream: Duplex, user: Foreground): Promise<void> {
  stream.on("data", user.onConsole);
  stream.on("error", () => {}); // "close" follows
  user.attachInput((chunk) => stream.write(chunk));
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

async function stopGently(host: Host, vm: LiveVm, user: Foreground): Promise<void> {
  user.onState(`asking the guest to power off, for at most ${user.graceMs / 1000} s`);
  await vm.pressPowerButton().catch(() => {}); // QEMU may end meanwhile
  const isOver = await Promise.race([vm.ended.then(() => true), host.sleep(user.graceMs).then(() => false)]);
  if (isOver) return;
  user.onState("the guest did not power off; ending it");
  await vm.destroy();
}
