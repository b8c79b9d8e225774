// SPDX-License-Identifier: Apache-2.0

/**
 * virsh on our daemon and on libvirt's, command by command: the same exit status and output, or a difference that is
 * explained. `docs/compatibility.md` is made from the list.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { testCard, testDomain, testGuest, testRng } from "../domains.ts";
import { lacks, skippedWhenQuick, startLibvirtd, startSessiond, TestUser } from "../programs.ts";
import { compareOutput } from "./run-virsh.ts";
import { storageCases } from "./storage-cases.ts";
import { virshCases } from "./virsh-cases.ts";

const noClient =
  skippedWhenQuick || lacks("virsh", "libvirt-clients") || lacks("qemu-system-x86_64", "qemu-system-x86");
const noDaemon = lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");

const ours = new TestUser();
const theirs = new TestUser();
after(async () => {
  await ours.remove();
  await theirs.remove();
});
before(async () => {
  if (noClient) return;
  await startSessiond(ours);
  if (!noDaemon) await startLibvirtd(theirs);
  for (const user of [ours, theirs]) {
    const files = {
      ...{ "vm.xml": testDomain, "card.xml": testCard, "rng.xml": testRng, "wrong.xml": "<domain>" },
      ...{ "guest.xml": testGuest, "port.xml": testDomain.replace(" index='1'", "") },
    };
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(user.folder, name), text.replaceAll("FOLDER", user.folder));
    }
    for (const [name, sizeBytes] of Object.entries({ "disk.img": 8 << 20, "cd.iso": 65_536, "other.iso": 65_536 })) {
      writeFileSync(join(user.folder, name), Buffer.alloc(sizeBytes));
      user.own(join(user.folder, name));
    }
  }
});

for (const [index, each] of [...virshCases, ...storageCases].entries()) {
  test(`virsh ${each.command} (${index + 1})`, { skip: noClient }, (t) => {
    if (noDaemon) t.diagnostic(`not compared with libvirt: ${noDaemon}`);
    compareOutput(each, ours, noDaemon ? undefined : theirs);
  });
}
