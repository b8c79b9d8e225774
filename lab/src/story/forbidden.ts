// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { qemuWith } from "./holding-a-mate.ts";
import type { Chapter } from "./stage.ts";

/** 8: what alex must not do, and cannot. */
export const forbidden: Chapter = {
  title: "alex tries what he must not",
  async play(stage) {
    await stage.lab.root("hostdev-admin grant 02:00.0 --to blake --memory 256MiB", { check: true, timeoutMs: 120_000 });
    const group = (
      await stage.lab.root("basename $(readlink /sys/bus/pci/devices/0000:02:00.0/iommu_group)")
    ).stdout.trim();
    stage.tell("The NVMe controller is blake's now.");
    const device = "/sys/bus/pci/devices/0000:01:00.0";
    const tries: readonly (readonly [string, number])[] = [
      [`echo vfio-pci > ${device}/driver_override`, 1],
      [`echo 0000:01:00.0 > ${device}/driver/unbind`, 1],
      ["echo 0000:02:00.0 > /sys/bus/pci/drivers/vfio-pci/bind", 1],
      [`chown alex /dev/vfio/${group}`, 1],
      [`cat /dev/vfio/${group}`, 1],
      [qemuWith("0000:02:00.0"), 1],
      ["hostdev-admin revoke 02:00.0", 5],
      ["hostdev-admin recover", 5],
      ["prlimit --memlock=unlimited --pid $$", 1],
    ];
    for (const [line, status] of tries) {
      const { stderr, stdout } = await stage.run("alex", line, status);
      assert.match(stderr + stdout, /permi|denied|Only root/i, line);
    }
    await stage.lab.root("hostdev-admin revoke 02:00.0", { check: true, timeoutMs: 120_000 });
  },
};
