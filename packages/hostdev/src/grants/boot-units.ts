// SPDX-License-Identifier: Apache-2.0
import { dirname } from "node:path";
import { ownMark } from "../memlock/login-limits.ts";
import { commandLine } from "./lease-units.ts";

/** A file that is installed once, by `hostdev-admin setup` or by a package. */
export interface BootFile {
  readonly path: string;
  readonly text: string;
}

/** The unit that restores grants at boot; enabled, it is a part of every boot. */
export const restoreService = "hostdev-restore.service";

/**
 * What brings grants back at boot, and nodes when the kernel makes them anew: two services of systemd, and a rule of udev
 * that starts the second. All of them are bounded in time, and `hostdev=off` on the kernel's command line keeps them off.
 * `packaging/` has them for packages. Pure.
 *
 * @param program the words that start `hostdev-admin`, the first one absolute.
 */
export function bootFiles(program: readonly string[]): readonly BootFile[] {
  return [
    { path: `/etc/systemd/system/${restoreService}`, text: formatRestoreService(program) },
    { path: "/etc/systemd/system/hostdev-node@.service", text: formatNodeService(program) },
    { path: "/etc/udev/rules.d/70-hostdev.rules", text: udevRule },
  ];
}

const written = `${ownMark} setup; hostdev-admin setup --remove takes it away.`;

/**
 * Before the network is configured and before anybody logs in, so that nobody is using what is lent. Not waited for by
 * anything else, and after two minutes the boot goes on without it. Status 1 says that a grant waits: no failure.
 */
function formatRestoreService(program: readonly string[]): string {
  return [
    written,
    "[Unit]",
    "Description=Lend devices again whose grants outlive a boot",
    "Documentation=man:hostdev-admin(8)",
    "ConditionKernelCommandLine=!hostdev=off",
    "ConditionPathExists=/var/lib/hostdev",
    "DefaultDependencies=no",
    `RequiresMountsFor=${commandLine(["/var/lib/hostdev", ...foldersOf(program)])}`,
    "After=local-fs.target systemd-tmpfiles-setup.service systemd-udev-trigger.service systemd-modules-load.service",
    "Wants=network-pre.target",
    "Before=network-pre.target systemd-user-sessions.service multi-user.target shutdown.target",
    "Conflicts=shutdown.target",
    "",
    "[Service]",
    "Type=oneshot",
    "ExecStartPre=-udevadm settle --timeout=30",
    `ExecStart=${commandLine([...program, "restore"])}`,
    "SuccessExitStatus=1",
    "TimeoutStartSec=2min",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** Where the program is may be mounted late. */
function foldersOf(program: readonly string[]): readonly string[] {
  return [...new Set(program.filter((word) => word.startsWith("/")).map((word) => dirname(word)))];
}

function formatNodeService(program: readonly string[]): string {
  return [
    written,
    "[Unit]",
    "Description=Give the node of IOMMU group %i to whom it is lent",
    "Documentation=man:hostdev-admin(8)",
    "ConditionKernelCommandLine=!hostdev=off",
    "ConditionDirectoryNotEmpty=/var/lib/hostdev/grants",
    "CollectMode=inactive-or-failed",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${commandLine([...program, "restore", "--node"])} %i`,
    "SuccessExitStatus=1",
    "TimeoutStartSec=1min",
    "",
  ].join("\n");
}

/** A node's parent in sysfs is virtual, with nothing of the device to match: so the service looks. */
const udevRule = [
  written,
  "# The kernel makes the node of an IOMMU group anew, as root's, when a device of the group comes to vfio-pci again.",
  'ACTION=="add", SUBSYSTEM=="vfio", KERNEL=="[0-9]*", TAG+="systemd", ENV{SYSTEMD_WANTS}+="hostdev-node@%k.service"',
  "",
].join("\n");
