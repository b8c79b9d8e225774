// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { guestXml } from "./guest-xml.ts";
import type { Chapter } from "./stage.ts";

/** 5: the VM drives the card, and the disk proves it outside of the lab. */
export const running: Chapter = {
  title: "alex runs VMs with real devices, without privilege",
  async play(stage) {
    await stage.run("alex", "hostdev check /opt/lab/exchange/nic.xml");
    stage.tell("The guest drives the card by itself: link, interrupts, packets to and from the network outside.");
    const nic = await stage.run("alex", "hostdev run /opt/lab/exchange/nic.xml");
    for (const proof of [
      /link=up/,
      /got arp reply 10\.0\.2\.2/,
      /ping 10\.0\.2\.2 reply/,
      /nic \S+ interrupts=[1-9]/,
      /PASS devices=1/,
    ]) {
      assert.match(nic.stdout, proof);
    }
    stage.tell("A second VM gets the NVMe controller and writes a block that nobody could guess.");
    await stage.run("root", "hostdev-admin grant 02:00.0 --to alex --memory 256MiB");
    const path = await stage.put("nvme.xml", guestXml({ name: "nvme-guest", devices: ["0000:02:00.0"] }));
    const nvme = await stage.run("alex", `hostdev run ${path}`);
    const written = /wrote token=([0-9a-f]{16}) lba=\d+ offset=(\d+)/.exec(nvme.stdout);
    assert.ok(written?.[1] !== undefined && written[2] !== undefined, nvme.stdout);
    const token = await readToken(stage.lab.nvmeBackingFile(), Number(written[2]));
    stage.tell(`Outside of the lab, in the file behind the controller, at byte ${written[2]}: ${token}`);
    assert.equal(token, `hostdev-lab token=${written[1]}`);
    await stage.run("root", "hostdev-admin revoke 02:00.0");
  },
};

async function readToken(path: string, offset: number): Promise<string> {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, offset);
    return buffer.toString("latin1").split("\n")[0] ?? "";
  } finally {
    await file.close();
  }
}
