// SPDX-License-Identifier: Apache-2.0
import type { FakeFileSystem } from "./fake-file-system.ts";
import { attribute } from "./nodes.ts";
import type { PciFunction } from "./pci-function.ts";

/**
 * The device files of a kernel with iommufd (CONFIG_IOMMUFD, CONFIG_VFIO_DEVICE_CDEV): `/dev/iommu` and, for each
 * function on a vfio driver, `/dev/vfio/devices/vfioN` with `<function>/vfio-dev/vfioN`. Owners and modes as the lab
 * found them at 6.12.
 */
export class VfioCdevs {
  readonly #fs: FakeFileSystem;
  readonly #numbers = new Map<string, number>();

  constructor(fs: FakeFileSystem) {
    this.#fs = fs;
  }

  add(fn: PciFunction): void {
    const number = this.#lowestFree();
    this.#numbers.set(fn.address, number);
    const open = () => (fn.isOpen ? "EBUSY" : undefined);
    const node = { kind: "character-device", mode: 0o600, uid: 0, gid: 0, open } as const;
    this.#fs.add(
      "/dev/iommu",
      this.#fs.find("/dev/iommu") ?? { kind: "character-device", mode: 0o660, uid: 0, gid: 0 },
    );
    this.#fs.add(`/dev/vfio/devices/vfio${number}`, node);
    this.#fs.add(`${fn.path}/vfio-dev/vfio${number}/dev`, attribute(`511:${number}`));
    this.#fs.link(`/sys/class/vfio-dev/vfio${number}`, `${fn.path}/vfio-dev/vfio${number}`);
  }

  remove(fn: PciFunction): void {
    const number = this.#numbers.get(fn.address);
    if (number === undefined) return;
    this.#numbers.delete(fn.address);
    this.#fs.remove(`/dev/vfio/devices/vfio${number}`);
    this.#fs.remove(`/sys/class/vfio-dev/vfio${number}`);
    this.#fs.remove(`${fn.path}/vfio-dev`);
  }

  #lowestFree(): number {
    const taken = new Set(this.#numbers.values());
    for (let number = 0; ; number++) if (!taken.has(number)) return number;
  }
}
