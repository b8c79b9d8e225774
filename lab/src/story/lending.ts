// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import type { Chapter } from "./stage.ts";

/** 4: root lends, after having seen the plan. */
export const lending: Chapter = {
  title: "root lends the network card to alex",
  async play(stage) {
    stage.tell("alex is at work in a shell that he started before; its limit on locked memory is the usual 8 MiB.");
    const shell = stage.lab.spawn("alex", "ulimit -l; read -r go; ulimit -l", { keepInput: true });
    await stage.until("alex's shell", () => shell.stdout.includes("\n"));
    assert.equal(shell.stdout.trim(), "8192");
    stage.tell("First the plan; nothing is changed.");
    const plan = await stage.run("root", "hostdev-admin grant 01:00.0 --to alex --memory 256MiB --dry-run");
    assert.match(plan.stdout, /bind 0000:01:00\.0: e1000e -> vfio-pci/);
    assert.equal(
      (await stage.lab.root("basename $(readlink /sys/bus/pci/devices/0000:01:00.0/driver)")).stdout,
      "e1000e\n",
    );
    stage.tell("Now for real: each step is on the disk before it is done, and read back after.");
    await stage.run("root", "hostdev-admin grant 01:00.0 --to alex --memory 256MiB");
    await stage.run("root", "ls -l /dev/vfio");
    const group = (
      await stage.lab.root("basename $(readlink /sys/bus/pci/devices/0000:01:00.0/iommu_group)")
    ).stdout.trim();
    assert.equal((await stage.lab.root(`stat -c '%U %a' /dev/vfio/${group}`)).stdout, "alex 600\n");
    stage.tell("alex's shell, still the same one, has the new limit: guest memory + 1 GiB, in KiB.");
    shell.write("go\n");
    const { stdout } = await shell.result;
    stage.tell(`  ulimit -l: ${stdout.trim().split("\n").join(", then ")}`);
    assert.equal(stdout, "8192\n1310720\n");
  },
};
