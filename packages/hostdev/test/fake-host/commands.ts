// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../../src/core/errors.ts";
import type { CommandResult } from "../../src/core/host.ts";
import type { FakeMachine } from "./fake-machine.ts";
import type { FakeProcess } from "./fake-process.ts";
import { ip } from "./ip.ts";
import { canonical } from "./modules.ts";
import { prlimit } from "./prlimit.ts";
import type { FakeUser } from "./users.ts";

/** What a command's model gives; all but the status default to nothing. */
export interface CommandAnswer {
  readonly status?: number;
  readonly stdout?: string;
  readonly stderr?: string;
}

/** The model of a command: its arguments, and the process that runs it. */
export type CommandModel = (args: readonly string[], process: FakeProcess, machine: FakeMachine) => CommandAnswer;

interface Entry {
  readonly model: CommandModel;
  readonly mutates: (args: readonly string[]) => boolean;
}

const always = () => true;
const never = () => false;

/** The programs that `Host.run` finds on this machine. */
export class Commands {
  readonly #machine: FakeMachine;
  readonly #entries = new Map<string, Entry>([
    ["getent", { model: getent, mutates: never }],
    ["id", { model: id, mutates: never }],
    ["logger", { model: succeed, mutates: always }],
    ["ip", { model: ip, mutates: (args) => args.includes("set") }],
    ["modprobe", { model: modprobe, mutates: (args) => !args.some((arg) => arg === "-n" || arg === "--dry-run") }],
    ["prlimit", { model: prlimit, mutates: (args) => args.some((arg) => /^--memlock=/.test(arg)) }],
    ["systemctl", { model: systemctl, mutates: (args) => !/^(is-|show|status|list)/.test(args[0] ?? "") }],
    ["udevadm", { model: succeed, mutates: (args) => args[0] === "trigger" || args[0] === "control" }],
    ["systemd-detect-virt", { model: () => ({ status: 1, stdout: "none\n" }), mutates: never }],
  ]);

  constructor(machine: FakeMachine) {
    this.#machine = machine;
  }

  /** Installs a command, or another model of one. */
  add(name: string, model: CommandModel, { mutates = true }: { readonly mutates?: boolean } = {}): void {
    this.#entries.set(name, { model, mutates: mutates ? always : never });
  }

  remove(name: string): void {
    this.#entries.delete(name);
  }

  isMutating(command: string, args: readonly string[]): boolean {
    return this.#find(command)?.mutates(args) ?? false;
  }

  /** @throws {HostdevError} `HD_COMMAND_NOT_FOUND`. */
  run(command: string, args: readonly string[], process: FakeProcess): CommandResult {
    const entry = this.#find(command);
    if (entry === undefined) {
      throw new HostdevError("HD_COMMAND_NOT_FOUND", `Cannot run ${command}: it is not installed`, { command });
    }
    const { status = 0, stdout = "", stderr = "" } = entry.model(args, process, this.#machine);
    return { status, signal: null, stdout, stderr };
  }

  /** A command may be given by its path. */
  #find(command: string): Entry | undefined {
    return this.#entries.get(command) ?? this.#entries.get(command.slice(command.lastIndexOf("/") + 1));
  }
}

function succeed(): CommandAnswer {
  return {};
}

function systemctl(args: readonly string[], process: FakeProcess, { systemd }: FakeMachine): CommandAnswer {
  return systemd.systemctl(args, process);
}

/** getent(1): passwd and group, by name or number; status 2 when not found. */
function getent(args: readonly string[], _process: FakeProcess, { users }: FakeMachine): CommandAnswer {
  const [database, ...keys] = args.filter((arg) => arg !== "--");
  if (database === "passwd") {
    const found: readonly (FakeUser | undefined)[] =
      keys.length === 0 ? users.all() : keys.map((key) => users.find(key));
    const stdout = found.map((user) => (user === undefined ? "" : users.passwdLine(user))).join("");
    return { status: found.includes(undefined) ? 2 : 0, stdout };
  }
  if (database === "group") {
    const isWanted = ([name, gid]: readonly [string, number]) =>
      keys.length === 0 || keys.includes(name) || keys.includes(`${gid}`);
    const found = users.groups().filter(isWanted);
    return {
      status: found.length < keys.length ? 2 : 0,
      stdout: found.map((group) => users.groupLine(group)).join(""),
    };
  }
  return { status: 1, stderr: `Unknown database: ${database ?? ""}\n` };
}

/** id(1): `id -u USER`, `id -g USER`, `id -G USER`. */
function id(args: readonly string[], process: FakeProcess, { users }: FakeMachine): CommandAnswer {
  const name = args.find((arg) => !arg.startsWith("-"));
  const user = users.find(name ?? process.caller.uid);
  if (user === undefined) return { status: 1, stderr: `id: '${name}': no such user\n` };
  if (args.includes("-u")) return { stdout: `${user.uid}\n` };
  if (args.includes("-g")) return { stdout: `${user.gid}\n` };
  return { stdout: `${[user.gid, ...user.groups].join(" ")}\n` };
}

/** modprobe(8): load, `-r`, `-n`. */
function modprobe(args: readonly string[], process: FakeProcess, { modules }: FakeMachine): CommandAnswer {
  const fail = (text: string): CommandAnswer => ({ status: 1, stderr: `modprobe: ${text}\n` });
  const names = args.filter((arg) => !arg.startsWith("-"));
  const removes = args.includes("-r") || args.includes("--remove");
  for (const name of names) {
    const module = canonical(name);
    if (modules.isBuiltIn(name)) {
      if (removes) return fail(`FATAL: Module ${name} is builtin.`);
      continue;
    }
    if (!modules.exists(name)) {
      return fail(`FATAL: Module ${name} not found${removes ? "." : " in directory /lib/modules/6.12.0-fake"}`);
    }
    if (args.includes("-n") || args.includes("--dry-run")) continue;
    if (modules.loaded.has(module) !== removes) continue;
    if (process.caller.uid !== 0) {
      return fail(
        `${removes ? "FATAL: Could not remove" : "ERROR: could not insert"} '${module}': Operation not permitted`,
      );
    }
    if (removes && modules.isInUse(name)) return fail(`FATAL: Module ${module} is in use.`);
    if (removes) modules.unload(name);
    else modules.load(name);
  }
  return {};
}
