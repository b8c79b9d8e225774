// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Lab } from "../src/lab.ts";
import { networkCard, nvme, rootPort, type Topology } from "../src/machine/topology.ts";
import { nicAlone, nvmeAlone } from "../src/machine/zoo.ts";
import { labScenario } from "../src/scenario.ts";
import { diffSnapshots, takeSnapshot } from "../src/snapshot.ts";
import { guestXml } from "../src/story/guest-xml.ts";

const mac = (last: string) => `52:54:00:1a:b0:${last}`;
const port = (id: string, last: string) => rootPort(`port-${id}`, [networkCard("e1000e", id, mac(last))]);

/** A lone NIC, a lone NVMe, two more NICs, an empty port; and nothing in slot 01, which comes before them. */
const first: Topology = {
  devices: [
    { ...nicAlone, at: "02" },
    { ...nvmeAlone, at: "03" },
    { ...port("second", "02"), at: "04" },
    { ...port("third", "03"), at: "05" },
    { ...rootPort("port-free"), at: "06" },
  ],
};

/**
 * A card before all others, so that buses and groups shift; a twin of the NVMe in the port that was free, and none where it was;
 * another card in the slot of the third NIC.
 */
const second: Topology = {
  devices: [
    { ...rootPort("port-new", [networkCard("e1000e", "new", mac("09"))]), at: "01" },
    { ...nicAlone, at: "02" },
    { ...rootPort("port-nvme"), at: "03" },
    { ...port("second", "02"), at: "04" },
    { ...rootPort("port-third", [{ driver: "edu", id: "other" }]), at: "05" },
    { ...rootPort("port-free", [nvme("nvme9", "LAB9")]), at: "06" },
  ],
};

const { section } = labScenario({ topology: first });

interface State {
  readonly id: string;
  readonly device: string;
  readonly state: string;
  readonly reason: string | null;
  readonly group: number;
}

async function grants(lab: Lab): Promise<readonly State[]> {
  return JSON.parse((await lab.root("hostdev-admin grants --json", { check: true })).stdout).grants;
}

async function until(what: string, isSo: () => Promise<boolean>, timeoutMs = 90_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, `waited ${timeoutMs / 1000} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

// /opt/hostdev has the owners that the build has on the host, perhaps alex's uid: as with a build in a home folder.
section("units run only a program that is root's alone: as it is copied here", async (lab) => {
  const folder = "/usr/local/lib/hostdev";
  const copy = `cp -rT --no-preserve=mode,ownership /opt/hostdev ${folder}`;
  const wrapper = `printf '#!/bin/sh\\nexec node ${folder}/hostdev-admin.js "$@"\\n' > /usr/local/bin/hostdev-admin`;
  await lab.root(`${copy} && ${wrapper} && chown alex ${folder}/chunks`, { check: true });
  for (const command of ["setup", "grant 01:00.0 --to alex --memory 256MiB --for 20s"]) {
    const { code, stderr } = await lab.root(`hostdev-admin ${command}`);
    assert.equal(code, 4, command);
    assert.match(stderr, /chunks is not only root's to write \(owner 1000:0, mode 0755\)\n {2}hint: .*cp -rT/, command);
  }
  await lab.root(`chown root ${folder}/chunks`, { check: true });
});

section("a lease ends by itself, and nothing of it is left", async (lab) => {
  const before = await takeSnapshot(lab);
  await lab.root("hostdev-admin grant 01:00.0 --to alex --memory 256MiB --for 20s --note short", { check: true });
  assert.match((await lab.root("systemctl list-timers --all")).stdout, /hostdev-expire\.timer/);
  await until("the end of the lease", async () => (await grants(lab)).length === 0, 180_000);
  await until(
    "the end of expire",
    async () => (await lab.root("systemctl is-active hostdev-expire.service")).code !== 0,
  );
  assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
});

section("persistent grants, one for this boot, and what restores them", async (lab) => {
  assert.match((await lab.root("hostdev-admin setup", { check: true })).stdout, /come back at boot/);
  await lab.root("udevadm verify /etc/udev/rules.d/70-hostdev.rules", { check: true });
  const { stderr } = await lab.root(
    "systemd-analyze verify --man=no /etc/systemd/system/hostdev-{restore,node@}.service",
  );
  assert.doesNotMatch(stderr, /hostdev/);
  for (const [device, more] of [
    ["01:00.0", "--persistent"],
    ["02:00.0", "--persistent"],
    ["03:00.0", "--until-reboot"],
    ["04:00.0", "--persistent"],
  ])
    await lab.root(`hostdev-admin grant ${device} --to alex --memory 128MiB ${more}`, { check: true });
  // The node that the kernel makes anew: udev, systemd and restore --node give it back.
  const [nic] = await grants(lab);
  const node = `/dev/vfio/${nic?.group}`;
  await lab.root(
    "echo 0000:01:00.0 > /sys/bus/pci/drivers/vfio-pci/unbind; echo 0000:01:00.0 > /sys/bus/pci/drivers_probe",
  );
  await until("the node's owner", async () => (await lab.root(`stat -c %U:%a ${node}`)).stdout.trim() === "alex:600");
});

section("after a reboot with other cards the right devices are lent, or none", async (lab) => {
  const [old] = await grants(lab);
  await lab.reboot({ topology: second });
  const journal = async () => (await lab.root("journalctl -b -u hostdev-restore.service --no-pager")).stdout;
  await until("the restore", async () => /Finished|Deactivated|Failed/.test(await journal()));
  const now = await grants(lab);
  const of = (id: string) => now.find((grant) => grant.id === id);
  process.stdout.write(
    `# ${JSON.stringify(now.map(({ id, device, state, group, reason }) => ({ id, device, state, group, reason })))}\n`,
  );
  process.stdout.write(`# booted in ${lab.bootMs} ms\n${await journal()}`);

  const nic = of("0000:01:00.0");
  assert.equal(nic?.state, "active", await journal());
  const info = await lab.root(
    `cat /sys/bus/pci/devices/${nic.device}/{vendor,device}; readlink /sys/bus/pci/devices/${nic.device}/{driver,iommu_group}; stat -c %U:%a /dev/vfio/${nic.group}`,
  );
  assert.match(info.stdout, /0x8086\n0x10d3\n.*vfio-pci\n/);
  assert.match(info.stdout, new RegExp(`iommu_groups/${nic.group}\nalex:600`));
  assert.notDeepEqual(
    [nic.device, nic.group],
    [old?.device, old?.group],
    "neither address nor group number has shifted",
  );

  assert.equal(of("0000:02:00.0")?.state, "waiting");
  assert.match(
    of("0000:02:00.0")?.reason ?? "",
    /is not there; 0000:\S+ is of its kind, but by no serial number the same card/,
  );
  assert.equal(of("0000:04:00.0")?.state, "waiting");
  assert.match(of("0000:04:00.0")?.reason ?? "", /another card is in the slot .*1234:11e8/);
  assert.equal(of("0000:03:00.0"), undefined); // for one boot
  const { stdout } = await lab.root("find /dev/vfio -uid 1000; ls -1 /sys/bus/pci/drivers/vfio-pci | grep :");
  assert.equal(stdout.trim(), `/dev/vfio/${nic.group}\n${nic.device}`);
});

section("the limits are in force for a login, and for the user's service manager", async (lab) => {
  const wanted = 3 * (128 + 1024); // MiB, of three grants: those that wait count, too
  const login = await lab.alex("ulimit -Hl", { login: true, check: true });
  assert.equal(Number(login.stdout.trim()), wanted * 1024);
  const { stdout } = await lab.root(
    "loginctl enable-linger alex; systemctl start user@1000.service; grep 'Max locked' /proc/$(systemctl show -p MainPID --value user@1000.service)/limits",
    { check: true },
  );
  assert.match(stdout, new RegExp(`${wanted * 1024 * 1024} +${wanted * 1024 * 1024}`));
});

section(
  "with hostdev=off nothing is lent in a boot, and with all given back and removed nothing is left",
  async (lab) => {
    await lab.reboot({ topology: { ...second, iommu: "intel-no-intremap" }, kernelArgs: "hostdev=off" });
    const { stdout } = await lab.root(
      "hostdev-admin restore; systemctl is-active hostdev-restore.service; find /dev/vfio -uid 1000",
    );
    assert.match(stdout, /^Nothing is restored: the kernel's command line says hostdev=off\.\ninactive\n$/);
    assert.deepEqual([...new Set((await grants(lab)).map(({ state }) => state))], ["waiting"]);
    for (const { id } of await grants(lab)) await lab.root(`hostdev-admin revoke grant:${id}`, { check: true });
    await lab.root("hostdev-admin setup --remove", { check: true });
    const left = await lab.root(
      "find /etc /var/lib/hostdev -name '*hostdev*' 2> /dev/null; ls /etc/systemd/system | grep -e user@ -e hostdev",
    );
    assert.equal(left.stdout, "");
  },
);

section(
  "this last machine does not remap interrupts: refused, or lent with a warning if the kernel is told so",
  async (lab) => {
    const grant = (more = "") => lab.root(`hostdev-admin grant 01:00.0 --to alex --memory 128MiB ${more}`);
    const allow = (answer: "Y" | "N") =>
      lab.root(`echo ${answer} > /sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts`, { check: true });
    const startQemu = () =>
      lab.alex(
        "echo quit | qemu-system-x86_64 -M q35 -m 64 -display none -nodefaults -S -monitor stdio -device vfio-pci,host=01:00.0",
        { login: true, timeoutMs: 60_000 },
      );
    const before = await takeSnapshot(lab);
    const refused = await grant();
    assert.equal(refused.code, 4);
    assert.match(
      refused.stderr,
      /interrupt remapping is off \(dmar0 cannot\).*\n {2}hint: .*intremap=on.*\n {2}code: HD_INTER/,
    );

    await lab.root("modprobe vfio_iommu_type1", { check: true });
    await allow("Y");
    const granted = await grant();
    assert.equal(granted.code, 0, granted.stderr);
    assert.match(granted.stderr, /allow_unsafe_interrupts lends devices all the same: a guest can send any interrupt/);
    assert.equal((await startQemu()).code, 0, "the kernel lends it, as was said");

    // Without our refusal: what a user would have got.
    await allow("N");
    assert.match((await startQemu()).stderr, /Operation not permitted/);
    await writeFile(join(lab.exchangeDirectory, "vm.xml"), guestXml({ name: "nic", devices: ["0000:01:00.0"] }));
    const check = await lab.alex("hostdev check /opt/lab/exchange/vm.xml", { login: true });
    assert.equal(check.code, 1);
    assert.match(check.stdout, /FAIL {2}Cannot assign 0000:01:00\.0: interrupt remapping is off/);
    await lab.root("hostdev-admin revoke 01:00.0 && modprobe -r vfio_iommu_type1 vfio", { check: true });
    assert.deepEqual(diffSnapshots(before, await takeSnapshot(lab)), []);
  },
);
