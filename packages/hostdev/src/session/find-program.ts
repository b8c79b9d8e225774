// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";

/** Where programs are that `PATH` leaves out: swtpm of some distributions, and what only other programs start. */
const moreFolders = ["/usr/bin", "/usr/sbin", "/usr/local/bin"];
const virtiofsdPlaces = ["/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd"];

/**
 * Where a program is that a VM needs beside QEMU: by a path of its own, in a folder of `PATH`, or, for virtiofsd, which
 * distributions put elsewhere, where it describes itself. Touches: looks at files. Needs: nothing.
 *
 * @returns `undefined` when it is not installed.
 */
export function findProgram(host: Host, command: string): string | undefined {
  const isThere = (path: string) => {
    if (!host.canAccess(path, "read")) return false; // a folder of PATH may be somebody else's
    const real = host.realPath(path);
    return real !== undefined && ((host.status(real)?.mode ?? 0) & 0o111) !== 0;
  };
  if (command.includes("/")) return isThere(command) ? command : undefined;
  const folders = [...(host.environment("PATH") ?? "").split(":"), ...moreFolders].filter((folder) => folder !== "");
  const usual = folders.map((folder) => `${folder}/${command}`);
  return [...(command === "virtiofsd" ? [...describedVirtiofsd(host), ...virtiofsdPlaces] : []), ...usual].find(
    isThere,
  );
}

/** @see https://www.qemu.org/docs/master/interop/vhost-user.html, "Backend program conventions" */
const descriptions = ["/etc/qemu/vhost-user", "/usr/share/qemu/vhost-user"];

function describedVirtiofsd(host: Host): string[] {
  return descriptions.flatMap((folder) =>
    [...(host.list(folder) ?? [])]
      .filter((name) => name.endsWith(".json"))
      .sort()
      .flatMap((name) => fileSystemBinary(host.readText(`${folder}/${name}`) ?? "")),
  );
}

function fileSystemBinary(text: string): string[] {
  try {
    const { type, binary } = JSON.parse(text) as { type?: unknown; binary?: unknown };
    return type === "fs" && typeof binary === "string" ? [binary] : [];
  } catch {
    return []; // somebody else's fault, and no reason not to start a VM
  }
}
