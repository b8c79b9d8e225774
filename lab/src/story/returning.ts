// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { guestXml } from "./guest-xml.ts";
import type { Chapter } from "./stage.ts";

/** 6: a device in use is not torn away; afterwards everything is as before. */
export const returning: Chapter = {
  title: "root wants the card back while alex's VM has it",
  async play(stage) {
    const path = await stage.put("stay.xml", guestXml({ name: "stay-guest", devices: ["0000:01:00.0"], mode: "stay" }));
    const vm = stage.start("alex", `hostdev run ${path}`);
    await stage.until("the guest to wait", () => vm.stdout.includes("guest: waiting"));
    const held = await stage.run("root", "hostdev-admin revoke 01:00.0", 7);
    assert.match(held.stderr, /process \d+ of alex \(VM "stay-guest"\)/);
    stage.tell("alex ends his VM (Ctrl-C asks the guest to power off); then it works.");
    await stage.run("alex", "pkill -INT -f '[h]ostdev.js run'");
    assert.equal((await vm.result).code, 0, (await vm.result).stderr);
    await stage.run("root", "hostdev-admin revoke 01:00.0");
    await stage.run("alex", "hostdev devices --class 0200");
    const { stdout } = await stage.lab.root(
      "basename $(readlink /sys/bus/pci/devices/0000:01:00.0/driver); ls /dev/vfio",
    );
    assert.equal(stdout, "e1000e\nvfio\n");
  },
};
