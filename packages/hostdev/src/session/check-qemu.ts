// SPDX-License-Identifier: Apache-2.0
import { HostdevError, isHostdevError } from "../core/errors.ts";
import { type Finding, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { buildArguments, type NvramFile, nvramFile } from "../qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../qemu/capabilities.ts";
import { assertQueuesFit } from "../qemu/queue-limits.ts";
import { pathState } from "./path-state.ts";
import { sessionEnvironment } from "./session-environment.ts";

/** Checks that the emulator is there and can be run. Touches: looks at the file. Needs: nothing. */
export function checkEmulator(host: Host, emulator: string): Finding {
  const path = pathState(host, emulator) === undefined ? host.realPath(emulator) : undefined;
  const isProgram = ((path === undefined ? undefined : host.status(path)?.mode) ?? 0) & 0o111;
  if (path !== undefined && isProgram !== 0 && host.canAccess(path, "read")) return ok(`QEMU is ${emulator}`);
  return toFinding(new HostdevError("HD_QEMU_NOT_FOUND", `There is no QEMU at ${emulator}`, { binary: emulator }));
}

/**
 * Asks QEMU itself whether it has what the domain is made of: its machine, and every device. Slower than all other
 * checks, and QEMU says the same when it is started; so this is for who asks, not for each start.
 *
 * Touches: runs the emulator three times. Needs: nothing.
 */
export async function probeQemu(host: Host, emulator: string, domain: Domain): Promise<readonly Finding[]> {
  const ask = async (...args: string[]) => {
    const { status, stdout } = await host.run(emulator, args);
    return status === 0 ? stdout : "";
  };
  try {
    const [version, machines, devices] = await Promise.all([
      ask("--version"),
      ask("-machine", "help"),
      ask("-device", "help"),
    ]);
    return judge(host, emulator, domain, { version, machines, devices });
  } catch (error) {
    if (isHostdevError(error, "HD_COMMAND_NOT_FOUND")) return []; // checkEmulator() tells of it
    throw error;
  }
}

interface Answers {
  readonly version: string;
  readonly machines: string;
  readonly devices: string;
}

function judge(host: Host, emulator: string, domain: Domain, answers: Answers): readonly Finding[] {
  const missing = (text: string, what: string) =>
    toFinding(new HostdevError("HD_QEMU_UNABLE", text, { binary: emulator, missing: what }));
  const machine = domain.os.type.machine ?? "pc";
  const machines = new Set([...answers.machines.matchAll(/^(\S+) /gm)].map(([, name]) => name));
  if (machines.size > 0 && !machines.has(machine)) {
    return [missing(`${emulator} has no machine ${machine}; it is of another release, or of another make`, machine)];
  }
  const plan = planOf(host, emulator, domain, answers.version);
  if ("level" in plan) return [plan];
  const { args, variables } = plan;
  const present = new Set([...answers.devices.matchAll(/^name "([^"]+)"/gm)].map(([, name]) => name));
  if (present.size === 0) return [];
  const wanted = args.flatMap((value, index) => (args[index - 1] === "-device" ? deviceName(value) : []));
  const absent = [...new Set(wanted)].filter((name) => !present.has(name));
  return [
    ...absent.map((name) => missing(`${emulator} has no device ${name}`, name)),
    ...(variables === undefined ? [] : checkVariables(host, variables)),
  ];
}

interface Plan {
  readonly args: readonly string[];
  readonly variables: NvramFile | undefined;
}

function planOf(host: Host, emulator: string, domain: Domain, version: string): Plan | Finding {
  try {
    const capabilities = capabilitiesOf(parseQemuVersion(version));
    assertQueuesFit(domain, capabilities.version);
    const directory = "/run/user/0/hostdev/check";
    const monitorPath = `${directory}/monitor.sock`;
    const environment = sessionEnvironment(host, { capabilities, emulator, directory, monitorPath });
    return { args: buildArguments(domain, environment), variables: nvramFile(domain, environment) };
  } catch (error) {
    if (error instanceof HostdevError) return toFinding(error);
    throw error;
  }
}

/** The firmware's variables must be the caller's; those that are not there yet are made from a template. */
function checkVariables(host: Host, { path, template }: NvramFile): readonly Finding[] {
  const isThere = host.status(path) !== undefined;
  const needed = isThere ? path : template;
  if (needed !== undefined && host.canAccess(needed, isThere ? "read-write" : "read"))
    return [ok(`firmware variables: ${path}${isThere ? "" : `, from ${needed}`}`)];
  const state =
    needed === undefined ? "it does not exist, and there is no template for it" : `you may not use ${needed}`;
  const details = { path, operation: "read-write", errno: needed === undefined ? "ENOENT" : "EACCES" };
  return [toFinding(new HostdevError("HD_FILE", `Cannot use ${path} (firmware variables): ${state}`, details))];
}

function deviceName(value: string): readonly string[] {
  if (!value.startsWith("{")) return [value.split(",")[0] ?? value];
  const { driver } = JSON.parse(value) as { driver?: string };
  return driver === undefined ? [] : [driver];
}
