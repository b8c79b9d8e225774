// SPDX-License-Identifier: Apache-2.0

import { join } from "node:path";

/** A built image: a directory of files that are never changed after the build. */
export interface Image {
  readonly directory: string;
  /** The packed Debian root file system (erofs). */
  readonly root: string;
  readonly kernel: string;
  /** Such as `6.12.117+deb13-amd64`. */
  readonly kernelRelease: string;
  /** The initrd's programs and modules, without its init script and the overlay, as a directory. */
  readonly initrdTree: string;
  /** An empty ext4 file system (sparse); each machine writes to a copy of its own. */
  readonly dataDisk: string;
  /** The image's QEMU with all libraries and firmware, runnable on any Linux of the same architecture. */
  readonly qemu: string;
}

/** The image in `directory`, which {@link ensureImage} has built. Pure. */
export function imageIn(directory: string, kernelRelease: string): Image {
  return {
    directory,
    kernelRelease,
    root: join(directory, "root.erofs"),
    kernel: join(directory, "vmlinuz"),
    initrdTree: join(directory, "initrd"),
    dataDisk: join(directory, "data.raw"),
    qemu: join(directory, "qemu"),
  };
}
