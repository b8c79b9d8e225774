// SPDX-License-Identifier: Apache-2.0
import { HostdevError, isHostdevError } from "../core/errors.ts";
import { type Finding, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { buildArguments } from "../qemu/arguments.ts";
import { capabilitiesOf, parseQemuVersion } from "../qemu/capabilities.ts";
import { sessionEnvironment } from "./session-environment.ts";

/** Checks that the emulator is there and can be run. Touches: looks at the file. Needs: nothing. */
export function checkEmulator(host: Host, emulator: string): Finding {
  const path = host.realPath(emulator);
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
  const args = argumentsOf(host, emulator, domain, answers.version);
  if ("level" in args) return [args];
  const present = new Set([...answers.devices.matchAll(/^name "([^"]+)"/gm)].map(([, name]) => name));
  if (present.size === 0) return [];
  const wanted = args.flatMap((value, index) => (args[index - 1] === "-device" ? deviceName(value) : []));
  const absent = [...new Set(wanted)].filter((name) => !present.has(name));
  return absent.map((name) => missing(`${emulator} has no device ${name}`, name));
}

function argumentsOf(host: Host, emulator: string, domain: Domain, version: string): readonly string[] | Finding {
  try {
    const capabilities = capabilitiesOf(parseQemuVersion(version));
    const directory = "/run/user/0/hostdev/check";
    return buildArguments(
      domain,
      sessionEnvironment(host, { capabilities, emulator, directory, monitorPath: `${directory}/monitor.sock` }),
    );
  } catch (error) {
    if (error instanceof HostdevError) return toFinding(error);
    throw error;
  }
}

function deviceName(value: string): readonly string[] {
  if (!value.startsWith("{")) return [value.split(",")[0] ?? value];
  const { driver } = JSON.parse(value) as { driver?: string };
  return driver === undefined ? [] : [driver];
}
