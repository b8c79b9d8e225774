// SPDX-License-Identifier: Apache-2.0

import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "./lab-error.ts";
import { runProgram } from "./run-program.ts";

/** A program of the host and the Debian package that has it. */
interface Prerequisite {
  readonly program: string;
  readonly debianPackage: string;
  readonly why: string;
}

/**
 * Everything a host needs beside Node and git. QEMU isn't among it: the lab runs the one out of its own image.
 *
 * @param isRoot ordinary users build the image in a user namespace, which needs newuidmap.
 */
export function prerequisites(isRoot: boolean): readonly Prerequisite[] {
  const all: Prerequisite[] = [
    { program: "mmdebstrap", debianPackage: "mmdebstrap", why: "builds the Debian image" },
    { program: "tar", debianPackage: "tar", why: "unpacks the built image" },
    { program: "gcc", debianPackage: "gcc", why: "compiles the small guest" },
    { program: "ld", debianPackage: "binutils", why: "links the small guest" },
  ];
  if (!isRoot)
    all.push({ program: "newuidmap", debianPackage: "uidmap", why: "lets an ordinary user build the image" });
  return all;
}

/**
 * Makes sure that the host has the lab's prerequisites.
 *
 * As root on Debian, installs what is missing. Otherwise tells what to install.
 *
 * Touches: as root, the host's packages by `apt-get install`, after `apt-get update` where the package is unknown.
 *
 * @param report is told what happens, a line at a time.
 * @throws {LabError} when something is missing and can't be installed here; its hint is the one command to run.
 */
export async function ensurePrerequisites(report: (line: string) => void): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new LabError(`Cannot run the lab on ${process.platform}/${process.arch}: its QEMU is built for linux/x64`);
  }
  const isRoot = process.getuid?.() === 0;
  const missing = prerequisites(isRoot).filter(({ program }) => findProgram(program) === undefined);
  if (missing.length === 0) return;
  const debianPackages = missing.map(({ debianPackage }) => debianPackage);
  if (!existsSync("/etc/debian_version")) {
    const list = missing.map(({ program, why }) => `${program} (${why})`).join(", ");
    throw new LabError(`Cannot build the lab: these programs are missing: ${list}`);
  }
  const install = `apt-get install --no-install-recommends -y ${debianPackages.join(" ")}`;
  if (!isRoot) {
    throw new LabError(`Cannot build the lab: not installed: ${debianPackages.join(", ")}`, {
      hint: `Ask root to run: ${install}`,
    });
  }
  await installPackages(debianPackages, report);
}

/** The full path of a program in PATH or the system's own directories; `undefined` when there is none. */
export function findProgram(program: string): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"];
  return directories.map((directory) => join(directory, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function installPackages(packages: readonly string[], report: (line: string) => void): Promise<void> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  // Another apt may be at work on this host, so wait for its lock instead of failing.
  const options = ["-o", "DPkg::Lock::Timeout=300", "-y"];
  const install = ["install", "--no-install-recommends", ...options, ...packages];
  report(`installing on this host: ${packages.join(" ")}`);
  let result = await runProgram("apt-get", install, { env, onLine: reportProgress(report) });
  if (result.code !== 0) {
    report("updating the host's package lists");
    await runProgram("apt-get", ["update", ...options], { env, onLine: reportProgress(report) });
    result = await runProgram("apt-get", install, { env, onLine: reportProgress(report) });
  }
  if (result.code === 0) return;
  throw new LabError(`Cannot install ${packages.join(" ")}: ${result.stderr.trim()}`, {
    hint: `Run and repair: apt-get update && apt-get install ${packages.join(" ")}`,
  });
}

function reportProgress(report: (line: string) => void): (line: string) => void {
  return (line) => {
    if (/^(Get:|Fetched|Setting up|E:|W:)/.test(line)) report(`  ${line}`);
  };
}
