// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../src/lab.ts";
import { rootPort } from "../src/machine/topology.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const { section } = labScenario({
  topology: {
    devices: [rootPort("port-usb", [{ driver: "qemu-xhci", id: "usb" }])],
    extra: [{ driver: "usb-kbd", id: "keyboard", options: { bus: "usb.0" } }],
  },
});

/** As alex, logged in: the status must be what is expected. */
async function alex(lab: Lab, line: string, status = 0): Promise<string> {
  const { code, stdout, stderr } = await lab.alex(line, { login: true, timeoutMs: 60_000 });
  assert.equal(code, status, `${line}\n${stdout}${stderr}`);
  return stdout;
}

section(
  "a USB device that is alex's is plugged into his VM, and out again; before, a check says what is missing",
  async (lab) => {
    const before = await takeSnapshot(lab);
    const find = "dirname $(grep -lx 0627 /sys/bus/usb/devices/*/idVendor)"; // QEMU's keyboard
    const device = (await lab.root(find, { check: true })).stdout.trim();
    const open = async () =>
      (await lab.root("ls -l /proc/$(pgrep -nx qemu-system-x86)/fd")).stdout.includes("/dev/bus/usb");
    const path = `/dev/bus/usb/$(printf %03d/%03d $(cat ${device}/busnum ${device}/devnum))`;
    const usb =
      "<hostdev mode='subsystem' type='usb'><source><vendor id='0x0627'/><product id='0x0001'/></source></hostdev>";
    const bare = guestXml({ name: "typist", devices: [] }).replace("model='none'/>", "model='qemu-xhci'/>");
    await writeFile(join(lab.exchangeDirectory, "typist.xml"), bare);
    await writeFile(join(lab.exchangeDirectory, "typing.xml"), bare.replace("</devices>", `${usb}</devices>`));
    await writeFile(join(lab.exchangeDirectory, "keyboard.xml"), usb);

    const foretold = await alex(lab, "hostdev check /opt/lab/exchange/typing.xml", 1);
    assert.match(foretold, /Cannot use \/dev\/bus\/usb\/\d+\/\d+ \(USB device 0627:0001\): you may not write it/);
    await lab.root(`chown alex ${path}`, { check: true });
    assert.match(await alex(lab, "hostdev check /opt/lab/exchange/typing.xml"), /USB device 0627:0001: \/dev\/bus/);

    await alex(lab, "hostdev define /opt/lab/exchange/typist.xml");
    await alex(lab, "hostdev start typist --paused");
    await alex(lab, "hostdev attach typist /opt/lab/exchange/keyboard.xml");
    assert.match(
      await alex(lab, "hostdev dumpxml typist"),
      /<product id='0x0001'\/>\s+<address bus='\d+' device='\d+'\/>/,
    );
    assert.equal(await open(), true);
    await alex(lab, "hostdev detach typist /opt/lab/exchange/keyboard.xml");
    assert.equal(await open(), false);
    await alex(lab, "hostdev destroy typist");

    await alex(lab, "hostdev undefine typist");
    await lab.root(`chown root ${path}; pkill -f '[h]ostdev-sessiond.js'`, { check: true });
    assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  },
);
