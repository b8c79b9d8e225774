// SPDX-License-Identifier: Apache-2.0

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labDirectory } from "../lab-directory.ts";

/** The Debian release inside the lab. Its kernel, QEMU and libvirt are used unmodified. */
export const suite = "trixie";

/** The Debian packages of the lab's root file system; everything else comes as a dependency, never as a recommendation. */
export const packages: readonly string[] = [
  // The system, and real logins.
  ...["systemd", "systemd-sysv", "systemd-container", "udev", "dbus", "dbus-user-session", "libpam-systemd", "sudo"],
  ...["util-linux", "util-linux-extra", "kmod", "procps", "psmisc", "acl", "less", "strace"],
  // PCI, and what a host does with its devices.
  ...["pciutils", "usbutils", "driverctl", "nvme-cli", "iproute2", "iputils-ping", "ethtool", "lvm2", "mdadm"],
  ...["cryptsetup-bin", "e2fsprogs", "dosfstools", "btrfs-progs"],
  // What runs in it: hostdev, QEMU, and libvirt as the peer that we compare with.
  ...["nodejs", "qemu-system-x86", "qemu-utils", "seabios", "ipxe-qemu"],
  ...["libvirt-daemon-system", "libvirt-daemon-driver-qemu", "libvirt-clients"],
  // Other clients of a session daemon, each with what it needs to reach one.
  ...["virtinst", "libvirt-dbus", "cockpit-ws", "cockpit-bridge", "cockpit-machines", "socat"],
  // Used only while the image is built: they make the initrd and pack the root.
  ...["busybox-static", "erofs-utils", "xz-utils"],
];

/** Files left out of the installed packages; a lab is not read by people. */
export const excludedPaths: readonly string[] = [
  ...["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/lintian/*"],
];

/** The script that finishes the root file system from inside; part of the recipe. */
export const finishScript: string = join(labDirectory, "image", "finish.sh");

/** Names an image by everything that goes into it, except the versions that the mirror has today. */
export function recipeHash(): string {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([suite, packages, excludedPaths]));
  hash.update(readFileSync(finishScript));
  return hash.digest("hex").slice(0, 16);
}
