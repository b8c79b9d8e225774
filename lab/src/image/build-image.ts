// SPDX-License-Identifier: Apache-2.0

import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { LabError } from "../lab-error.ts";
import { runProgram } from "../run-program.ts";
import { mirrorSources } from "./mirror.ts";
import { excludedPaths, finishScript, packages, suite } from "./recipe.ts";

/**
 * Builds the image with mmdebstrap and puts it at `directory` in one rename.
 *
 * Everything after the package installation happens in the new system itself (`image/finish.sh`), with its own tools, so the
 * host needs nothing but mmdebstrap and the result doesn't depend on the host's versions.
 *
 * Touches: the directory's parent, /tmp, the network.
 * Needs: root, or user namespaces and newuidmap.
 * After a failure: nothing is left.
 *
 * @throws {LabError} when mmdebstrap fails; the message ends with its last lines.
 */
export async function buildImage(directory: string, report: (line: string) => void): Promise<void> {
  const start = Date.now();
  const building = await mkdtemp(join(dirname(directory), "building-"));
  try {
    // mmdebstrap's hooks hand out files under the caller's own identity, in both modes.
    await chmod(building, 0o755);
    report(`building the lab's Debian image in ${dirname(directory)} (about a minute; downloads 300 MB)`);
    await bootstrap(building, report);
    await unpack(building);
    await rename(building, directory);
  } catch (error) {
    await rm(building, { recursive: true, force: true });
    throw error;
  }
  report(`built the lab's image in ${Math.round((Date.now() - start) / 1000)} s: ${directory}`);
}

/** The kernel comes as a file, not as an installed package: installing it would drag in an initramfs generator. */
const fetchKernel = [
  'mkdir "$1/lab-out" && cd "$1/lab-out"',
  "export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG",
  "kernel=$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: \\(linux-image-[0-9][^ ]*\\).*/\\1/p' | head -n 1)",
  'apt-get -o APT::Sandbox::User=root download "$kernel"',
].join(" && ");

async function bootstrap(output: string, report: (line: string) => void): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  const args = [
    ...[`--mode=${isRoot ? "root" : "unshare"}`, "--variant=minbase", "--format=null", "--architectures=amd64"],
    "--skip=cleanup/apt", // the tree goes away, and finish.sh has made it small already
    ...excludedPaths.map((path) => `--dpkgopt=path-exclude=${path}`),
    `--include=${packages.join(",")}`,
    `--customize-hook=${fetchKernel}`,
    `--customize-hook=upload ${finishScript} /lab-finish.sh`,
    '--customize-hook=chroot "$1" sh /lab-finish.sh',
    `--customize-hook=sync-out /lab-out ${output}`,
    ...[suite, "-"],
    ...(await mirrorSources()),
  ];
  const lines: string[] = [];
  const onLine = (line: string) => {
    lines.push(line);
    if (/^(I: (running apt-get update|downloading|installing)|lab: )/.test(line))
      report(line.replace(/^(I|lab): /, "  "));
  };
  const result = await runProgram("mmdebstrap", args, { onLine });
  if (result.code === 0) return;
  throw new LabError(
    `Cannot build the lab's image: mmdebstrap ended with code ${result.code}\n${lines.slice(-25).join("\n")}`,
    {
      hint: "Set HOSTDEV_LAB_MIRROR to a reachable Debian mirror, if the mirror is the problem",
    },
  );
}

async function unpack(directory: string): Promise<void> {
  for (const part of ["initrd", "qemu", "data"]) {
    const archive = join(directory, `${part}.tar`);
    const target = part === "data" ? directory : join(directory, part);
    await mkdir(target, { recursive: true });
    const result = await runProgram("tar", ["--no-same-owner", "-C", target, "-Sxf", archive]);
    if (result.code !== 0) throw new LabError(`Cannot unpack ${archive}: ${result.stderr.trim()}`);
    await rm(archive);
  }
}
