// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { type Finding, ok, toFinding } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import type { Domain } from "../domain/domain.ts";
import { findProgram } from "./find-program.ts";

interface Needed {
  readonly command: string;
  /** For messages: `TPM tpm0`. */
  readonly purpose: string;
}

/**
 * Checks the programs that a VM needs beside QEMU: that they are installed, and can do it for this user.
 *
 * Touches: looks at files; asks virtiofsd for its version. Needs: nothing.
 */
export async function checkHelpers(host: Host, domain: Domain): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const needed of neededPrograms(domain)) findings.push(await checkProgram(host, needed));
  return findings;
}

function neededPrograms({ devices }: Domain): readonly Needed[] {
  const tpms = devices.tpms.flatMap(({ alias, backend }): Needed[] => {
    if (backend.type !== "emulator") return [];
    const commands = backend.source?.type === "file" ? ["swtpm"] : ["swtpm", "swtpm_setup"];
    return commands.map((command) => ({ command, purpose: `TPM ${alias}` }));
  });
  const filesystems = devices.filesystems.flatMap(({ driver, source, binary, target }): Needed[] =>
    driver?.type === "virtiofs" && source.socket === undefined
      ? [{ command: binary?.path ?? "virtiofsd", purpose: `file system ${target.dir}` }]
      : [],
  );
  const cards = devices.interfaces.flatMap((card): Needed[] =>
    (card.type === "user" || card.type === "vhostuser") && card.backend?.type === "passt"
      ? [{ command: "passt", purpose: `network of ${card.alias ?? "the new card"}` }]
      : [],
  );
  return [...tpms, ...filesystems, ...cards];
}

async function checkProgram(host: Host, { command, purpose }: Needed): Promise<Finding> {
  const path = findProgram(host, command);
  if (path === undefined) {
    const message = `Cannot run ${command} (${purpose}): it is not installed`;
    return toFinding(new HostdevError("HD_COMMAND_NOT_FOUND", message, { command }));
  }
  const obstacle = command.startsWith("swtpm") ? undefined : await obstacleOf(host, command, path);
  if (obstacle === undefined) return ok(`${purpose}: ${path}`);
  const message = `Cannot run ${path} (${purpose}): ${obstacle.state}`;
  return toFinding(new HostdevError("HD_HELPER_UNABLE", message, { program: path, purpose, remedy: obstacle.remedy }));
}

interface Obstacle {
  readonly state: string;
  readonly remedy: string;
}

/** What shuts itself off from the user's files does so in a user namespace of its own. */
async function obstacleOf(host: Host, command: string, path: string): Promise<Obstacle | undefined> {
  if (command === "passt" && host.self.uid === 0) {
    const state = "run by root it becomes the user nobody, who may not enter root's folders";
    return { state, remedy: "Run the VM as an ordinary user, or take <backend type='passt'/> out of the interface." };
  }
  if (host.self.uid !== 0) {
    for (const setting of ["/proc/sys/user/max_user_namespaces", "/proc/sys/kernel/unprivileged_userns_clone"]) {
      if (host.readText(setting)?.trim() !== "0") continue;
      const remedy = `Ask an administrator to allow them: ${setting}`;
      return { state: "it needs a user namespace, and this machine allows none to users", remedy };
    }
  }
  return command === "passt" ? undefined : await oldVirtiofsd(host, path);
}

/** QEMU's own virtiofsd, in C, of releases before 8.0: it makes folders that are root's. */
async function oldVirtiofsd(host: Host, path: string): Promise<Obstacle | undefined> {
  if (host.self.uid === 0) return undefined;
  const { stdout } = await host.run(path, ["--version"]).catch(() => ({ stdout: "" }));
  if (!/^virtiofsd version \d/m.test(stdout)) return undefined;
  const remedy = "Install the virtiofsd that is a program of its own (Debian 13: package virtiofsd), or take 9p.";
  return { state: "this virtiofsd, of QEMU before 8.0, is for root alone", remedy };
}
