// SPDX-License-Identifier: Apache-2.0
import { type Finding, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { readAttribute } from "../pci/sysfs.ts";
import { isModulePresent, type ModuleName, moduleNames } from "../vfio/modules.ts";
import { problem } from "./problem.ts";

/** Checks that vfio's modules and pci-stub are loaded, or could be. Touches: `modprobe -n`. Needs: nothing. */
export async function checkVfioModules(host: Host): Promise<readonly Finding[]> {
  return Promise.all(moduleNames.map((module) => checkModule(host, module)));
}

async function checkModule(host: Host, module: ModuleName): Promise<Finding> {
  if (isModulePresent(host, module)) return ok(`${module} is there`);
  const obstacle = await findObstacle(host, module);
  if (obstacle === undefined) return ok(`${module} can be loaded`);
  return problem("failure", "HD_MODULE_MISSING", `Cannot load the module ${module}: ${obstacle}`, { module });
}

async function findObstacle(host: Host, module: string): Promise<string | undefined> {
  if (readAttribute(host, "/proc/sys/kernel/modules_disabled") === "1") return "the kernel takes no more modules";
  const { status, stdout, stderr } = await host.run("modprobe", ["-n", "-v", "--", module]);
  if (status !== 0) return stderr.trim().split("\n").at(-1) || `modprobe ends with status ${status}`;
  // `install NAME COMMAND` in modprobe.d, often /bin/false, to keep a module out.
  const command = /^install\s+(.*)$/m.exec(stdout)?.[1];
  return command === undefined ? undefined : `modprobe.d has "${command.trim()}" run instead`;
}
