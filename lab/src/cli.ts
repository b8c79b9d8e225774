// SPDX-License-Identifier: Apache-2.0

import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { LabUser } from "./channel/protocol.ts";
import { ensureImage } from "./image/ensure-image.ts";
import { type Lab, startLab } from "./lab.ts";
import { labDirectory } from "./lab-directory.ts";
import { describeError, LabError } from "./lab-error.ts";
import { fullZoo, smallZoo } from "./machine/zoo.ts";
import { openShell } from "./shell.ts";

const help = `The lab: an emulated machine with an IOMMU and a Debian kernel, in which hostdev runs for real.

Usage: npm run lab -- [NAME] [options]

  NAME              run the scenario lab/scenarios/NAME.test.ts; "grants": all that are about grants
  --all             run all scenarios
  --list            list the scenarios
  --sit             when a section fails, open a root shell in the lab as it is
  --user USER       whose shell to open: root (default), alex or blake
  --exec COMMAND    run one shell command instead of opening a shell
  --zoo small|full  the devices of the lab for a shell; default full
  --boot            really boot, instead of starting from a saved boot
  --build           only build the image
  --help            show this

Examples:
  npm run lab                         a root shell; Ctrl-] leaves and ends the lab
  npm run lab -- --user alex          the same as alex, an ordinary user
  npm run lab -- --exec 'lspci -tv'   one command
  npm run lab -- lab                  check the lab itself
  npm run lab -- grant --sit          run a scenario and look around where it fails

The image is built once (about a minute, 300 MB of downloads) and kept in ~/.cache/hostdev-lab. See lab/README.md.
`;

/** Names for several scenarios. A grant's life: refused, made, interrupted, sized, used, ended, kept over boots. */
const collections: Readonly<Record<string, readonly string[]>> = {
  grants: [
    ...[
      "refusals",
      "story",
      "interrupted",
      "restore-exactly",
      "memlock",
      "revoke",
      "leases",
      "boot",
      "sriov",
      "libvirt",
    ],
  ],
};

const scenarioDirectory = join(labDirectory, "build", "scenarios");

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      all: { type: "boolean" },
      boot: { type: "boolean" },
      build: { type: "boolean" },
      exec: { type: "string" },
      help: { type: "boolean" },
      list: { type: "boolean" },
      sit: { type: "boolean" },
      user: { type: "string", default: "root" },
      zoo: { type: "string", default: "full" },
    },
  });
  if (values.boot) process.env["HOSTDEV_LAB_BOOT"] = "1";
  if (values.help) return print(help);
  if (values.list) return print(`${scenarioNames().join("\n")}\n`);
  if (values.build) return print(`${(await ensureImage(report)).directory}\n`);
  if (values.all) return runScenarios(scenarioNames(), false);
  if (positionals.length > 0) return runScenarios(positionals.flatMap(resolve), values.sit === true);
  return useLab(toUser(values.user), values.zoo, values.exec);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function report(line: string): void {
  process.stderr.write(`lab: ${line}\n`);
}

function scenarioNames(): readonly string[] {
  const files = existsSync(scenarioDirectory) ? readdirSync(scenarioDirectory) : [];
  return files.flatMap((file) => /^(.*)\.test\.js$/.exec(file)?.[1] ?? []).sort();
}

function resolve(name: string): readonly string[] {
  const known = scenarioNames();
  return known.includes(name) ? [name] : (collections[name]?.filter((each) => known.includes(each)) ?? [name]);
}

function toUser(user: string): LabUser {
  if (user === "root" || user === "alex" || user === "blake") return user;
  throw new LabError(`There is no user "${user}" in the lab`, { hint: "Use root, alex or blake" });
}

/** Runs scenario files one after the other, on this terminal. @returns the first exit code that isn't 0. */
async function runScenarios(names: readonly string[], sit: boolean): Promise<number> {
  const unknown = names.find((name) => !scenarioNames().includes(name));
  if (unknown !== undefined) {
    throw new LabError(`There is no scenario "${unknown}"`, { hint: `Use one of: ${scenarioNames().join(", ")}` });
  }
  const env = { ...process.env, ...(sit ? { HOSTDEV_LAB_SIT: "1" } : {}) };
  let result = 0;
  for (const name of names) {
    const args = ["--enable-source-maps", "--test-reporter=spec", join(scenarioDirectory, `${name}.test.js`)];
    const child = spawn(process.execPath, args, { env, stdio: "inherit" });
    const code = await new Promise<number>((resolve) => child.on("close", (status) => resolve(status ?? 1)));
    result ||= code;
  }
  return result;
}

async function useLab(user: LabUser, zoo: string, command: string | undefined): Promise<number> {
  const lab = await startLab({ topology: zoo === "small" ? smallZoo : fullZoo, report });
  report(`ready after ${(lab.bootMs / 1000).toFixed(1)} s`);
  const stop = () => void lab.stop().then(() => process.exit(130));
  process.once("SIGINT", stop).once("SIGTERM", stop);
  try {
    return await (command === undefined ? openShell(lab, user).then(() => 0) : runCommand(lab, user, command));
  } finally {
    await lab.stop();
  }
}

async function runCommand(lab: Lab, user: LabUser, command: string): Promise<number> {
  const onLine = (line: string, stream: "stdout" | "stderr") => process[stream].write(`${line}\n`);
  return (await lab.as(user, command, { onLine, login: true, timeoutMs: 3_600_000 })).code;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`lab: ${describeError(error)}\n`);
    process.exitCode = 1;
  },
);
