// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { guestXml } from "./guest-xml.ts";
import type { Chapter } from "./stage.ts";

const driver = (address: string) => `basename $(readlink /sys/bus/pci/devices/${address}/driver || echo none)`;

/** 7: a group of several devices, of which only one is lent. */
export const holdingAMate: Chapter = {
  title: "A device that shares its group with others of the host",
  async play(stage) {
    stage.tell("The card behind the conventional bridge cannot be told apart from its mates by the IOMMU.");
    const { stderr } = await stage.run("root", "hostdev-admin grant 04:02.0 --to alex --memory 256MiB", 4);
    assert.match(stderr, /--hold 0000:04:01\.0 --hold 0000:04:03\.0/);
    stage.tell("root accepts by name that the host loses the mates meanwhile; they are held, out of alex's reach.");
    const grant = "hostdev-admin grant 04:02.0 --to alex --memory 256MiB --hold 04:01.0 --hold 04:03.0";
    const refused = await stage.run("root", grant, 4);
    assert.match(refused.stderr, /cannot be reset.*--accept-no-reset/s);
    stage.tell(
      "This card would come back as alex leaves it, for a driver of the host to meet. root trusts alex with that.",
    );
    await stage.run("root", `${grant} --accept-no-reset`);
    assert.equal((await stage.lab.root(driver("0000:04:01.0"))).stdout, "pci-stub\n");
    const path = await stage.put("edu.xml", guestXml({ name: "edu-guest", devices: ["0000:04:02.0"] }));
    const edu = await stage.run("alex", `hostdev run ${path}`);
    assert.match(edu.stdout, /edu \S+ dma equal bytes=1024/);
    stage.tell("The held mate, tried by alex in a VM of his own making, past all our checks:");
    const tried = await stage.run("alex", qemuWith("0000:04:01.0"), 1);
    assert.match(tried.stderr, /0000:04:01\.0/);
    await stage.run("root", "hostdev-admin revoke 04:02.0");
    assert.equal((await stage.lab.root(driver("0000:04:01.0"))).stdout, "e1000\n");
    assert.equal((await stage.lab.root(driver("0000:04:03.0"))).stdout, "snd_ens1370\n");
  },
};

/** Plain QEMU, as a user would try to get around us. */
export function qemuWith(address: string): string {
  return `qemu-system-x86_64 -M q35 -m 64 -nodefaults -display none -bios /opt/lab/guest.rom -device vfio-pci,host=${address}`;
}
