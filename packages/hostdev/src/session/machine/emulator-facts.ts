// SPDX-License-Identifier: Apache-2.0
import { Duplex } from "node:stream";
import { HostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { QmpClient } from "../../qmp/client.ts";

/** A kind of machine that an emulator can be. */
export interface EmulatedMachine {
  readonly name: string;
  readonly alias: string | undefined;
  readonly maxCpus: number;
  readonly isDefault: boolean;
  readonly isDeprecated: boolean;
}

/** A processor that an emulator can be. */
export interface EmulatedCpu {
  readonly name: string;
  /** Whether this host can do all of it. */
  readonly isUsable: boolean;
}

/** What an emulator says of itself. */
export interface EmulatorFacts {
  readonly path: string;
  /** `i686`, `x86_64`. */
  readonly arch: string;
  /** As libvirt counts: major * 1,000,000 + minor * 1,000 + micro. */
  readonly version: number;
  readonly machines: readonly EmulatedMachine[];
  readonly cpus: readonly EmulatedCpu[];
  /** Names of its types of devices and back-ends. */
  readonly types: ReadonlySet<string>;
}

const timeoutMs = 20_000;

/**
 * Asks an emulator what it can do, as libvirt does: starts it without a machine and talks to its monitor.
 *
 * Touches: runs the emulator for a moment. Needs: nothing.
 * @param accelerator whose processors are meant.
 * @throws {HostdevError} `HD_QEMU_NOT_FOUND`; `HD_QEMU_FAILED`, `HD_QMP_*`.
 */
export async function readEmulatorFacts(host: Host, path: string, accelerator: "kvm" | "tcg"): Promise<EmulatorFacts> {
  if (host.status(path) === undefined) {
    throw new HostdevError("HD_QEMU_NOT_FOUND", `There is no QEMU at ${path}`, { binary: path });
  }
  const args = ["-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", "none", "-accel", accelerator];
  const program = await host.spawn(path, [...args, "-qmp", "stdio"], { stdin: "pipe" });
  let said = "";
  program.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  });
  const { stdout, stdin } = program;
  if (stdout === null || stdin === null) throw new Error("the emulator's standard streams are pipes");
  const monitor = Duplex.from({ readable: stdout, writable: stdin });
  try {
    const qmp = await QmpClient.open(monitor, timeoutMs);
    const facts = await ask(qmp, path);
    await qmp.execute("quit").catch(() => {}); // it may be gone before it can answer
    return facts;
  } catch (error) {
    if (said === "") throw error;
    const details = { status: null, signal: null, output: said.trim() };
    throw new HostdevError("HD_QEMU_FAILED", `${path} does not tell what it can do: ${said.trim()}`, details, {
      cause: error,
    });
  } finally {
    host.kill(program.pid, "SIGKILL");
  }
}

interface Machine {
  readonly name: string;
  readonly alias?: string;
  readonly "cpu-max": number;
  readonly "is-default"?: boolean;
  readonly deprecated?: boolean;
}

async function ask(qmp: QmpClient, path: string): Promise<EmulatorFacts> {
  const [version, target, machines, cpus, types] = (await Promise.all([
    qmp.execute("query-version", {}, timeoutMs),
    qmp.execute("query-target", {}, timeoutMs),
    qmp.execute("query-machines", {}, timeoutMs),
    qmp.execute("query-cpu-definitions", {}, timeoutMs),
    qmp.execute("qom-list-types", {}, timeoutMs),
  ])) as [
    { readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number } },
    { readonly arch: string },
    readonly Machine[],
    readonly { readonly name: string; readonly "unavailable-features"?: readonly string[] }[],
    readonly { readonly name: string }[],
  ];
  const { major, minor, micro } = version.qemu;
  return {
    path,
    arch: target.arch === "i386" ? "i686" : target.arch,
    version: major * 1_000_000 + minor * 1000 + micro,
    machines: machines
      .filter(({ name }) => name !== "none")
      .map((machine) => ({
        name: machine.name,
        alias: machine.alias,
        maxCpus: machine["cpu-max"],
        isDefault: machine["is-default"] === true,
        isDeprecated: machine.deprecated === true,
      })),
    cpus: cpus.map((cpu) => ({ name: cpu.name, isUsable: cpu["unavailable-features"]?.length === 0 })),
    types: new Set(types.map(({ name }) => name)),
  };
}
