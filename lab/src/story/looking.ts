// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { guestXml } from "./guest-xml.ts";
import type { Chapter } from "./stage.ts";

/** 1: an ordinary user looks. */
export const looking: Chapter = {
  title: "alex, who has no privilege at all, looks at the machine",
  async play(stage) {
    stage.tell("Which devices are there, and which could be lent?");
    const { stdout } = await stage.run("alex", "hostdev devices");
    assert.match(stdout, /0000:01:00\.0\s+e1000e\s+enp1s0\s+grantable/);
    assert.match(stdout, /0000:04:02\.0\s+-\s+-\s+blocked by 0000:04:01\.0 \(e1000\)/);
    stage.tell("One of them in detail.");
    const shown = await stage.run("alex", "hostdev show 01:00.0");
    assert.match(shown.stdout, /Why grouped/);
    const json = await stage.lab.alex("hostdev devices --json", { check: true });
    assert.equal(JSON.parse(json.stdout).version, 1);
  },
};

/** 2: a check says everything at once. */
export const checking: Chapter = {
  title: "Would alex's VM start? Everything that is missing, at once, with the command for each",
  async play(stage) {
    const path = await stage.put("nic.xml", guestXml({ name: "nic-guest", devices: ["0000:01:00.0"] }));
    const { stdout } = await stage.run("alex", `hostdev check ${path}`, 1);
    assert.match(stdout, /bound to e1000e, not to vfio-pci/);
    assert.match(stdout, /there is no \/dev\/vfio\/\d+/);
    assert.match(
      stdout,
      /the limit is 8 MiB, but 258 MiB \(256 MiB guest memory \+ 2 MiB firmware and ROMs\) are needed/,
    );
    assert.match(stdout, /hostdev-admin grant 0000:01:00\.0 --to alex --memory 256MiB/);
  },
};

/** 3: he cannot help himself. */
export const refused: Chapter = {
  title: "alex tries to take the device himself",
  async play(stage) {
    const before = await stage.lab.root("readlink /sys/bus/pci/devices/*/driver; ls -la /dev/vfio");
    const { stderr } = await stage.run("alex", "hostdev-admin grant 01:00.0 --to alex", 5);
    assert.match(stderr, /Ask an administrator to run: sudo hostdev-admin grant 01:00\.0 --to alex/);
    const after = await stage.lab.root("readlink /sys/bus/pci/devices/*/driver; ls -la /dev/vfio");
    assert.equal(after.stdout, before.stdout);
  },
};
