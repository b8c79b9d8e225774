// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { adminProgram } from "../../src/cli/admin-program.ts";
import { runProgram } from "../../src/cli/run-program.ts";
import { userProgram } from "../../src/cli/user-program.ts";
import { type FakeHost, labMachine } from "../fake-host/index.ts";
import { startAlexDaemon } from "../session/alex-daemon.ts";
import { repositoryRoot } from "../style/source-tree.ts";
import { parseJsonPage, undocumented } from "./json-page.ts";

const page = parseJsonPage(readFileSync(join(repositoryRoot, "docs/json.md"), "utf8"));
const programs = { hostdev: userProgram, "hostdev-admin": adminProgram };
const domain = `<domain type='qemu'><name>vm</name><memory unit='MiB'>256</memory><os><type arch='x86_64' machine='q35'>hvm</type>
  </os><devices><hostdev mode='subsystem' type='pci' managed='no'><source><address domain='0' bus='4' slot='1' function='0'/>
  </source></hostdev></devices></domain>`;

const vmWithScreens = `<domain type='qemu'><name>vm</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os><devices>
  <serial type='unix'/><graphics type='vnc' port='5911'/><video><model type='vga'/></video></devices></domain>`;

/** Config space with MSI, MSI-X and ACS, and vital product data: what the lab's devices do not have. */
const config = new Uint8Array(4096);
config.set([0x86, 0x80, 0xd3, 0x10, 0, 0, 0x10, 0]);
config[0x34] = 0x40;
config.set([0x05, 0x50, 0x8b, 0x00], 0x40);
config.set([0x11, 0, 0x04, 0x80, 0x03, 0x20, 0, 0, 0x03, 0x30, 0, 0], 0x50);
config.set([0x0d, 0, 1, 0, 0x1f, 0, 0x1d, 0], 0x100);
const vpd = Uint8Array.from([0x82, 1, 0, 0x58, 0x90, 4, 0, 0x50, 0x4e, 1, 0x37, 0x78]);

const seen = new Set<string>();
const wrong: string[] = [];

/** Runs a command line with `--json`, and compares what it prints with the page. */
async function look(host: FakeHost, line: string): Promise<void> {
  let text = "";
  const print = (more: string) => {
    text += more;
  };
  const [program = "", ...args] = line.split(" ");
  const output = { print, warn: () => {}, width: undefined, hasColour: false };
  await runProgram(programs[program as keyof typeof programs], [...args, "--json"], host, output);
  const value: object = JSON.parse(text);
  wrong.push(...undocumented(page, "error" in value ? "Errors" : `${program} ${args[0]}`, value, seen));
}

/** All verbs on the lab's machine, before, during and after a grant, and after one that was killed. */
before(async () => {
  const machine = labMachine().function("0000:00:1e.0", { config, vpd }).file("/home/vm.xml", domain).build();
  const root = machine.open();
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  const grant = "hostdev-admin grant 04:01.0 --to alex --memory 256MiB --hold 04:03.0 --accept-no-reset";
  await look(root, "hostdev-admin grant 04:01.0 --to alex");
  await look(root, `${grant} --dry-run`);
  await look(root, grant);
  const alex = machine.open("alex");
  const qemu = machine.process({ user: "alex", comm: "qemu-system-x86", cmdline: ["qemu", "-name", "guest=vm"] });
  const held = machine.holdGroup(qemu, 13);
  for (const host of [root, alex]) {
    for (const device of ["04:01.0", "05:00.0", "05:10.0", "01:00.0", "00:02.0", "00:1e.0"])
      await look(host, `hostdev show ${device}`);
    for (const verb of [
      "devices",
      "devices --long",
      "groups",
      "topology",
      "doctor",
      "nodedev-list",
      "check /home/vm.xml",
    ]) {
      await look(host, `hostdev ${verb}`);
    }
  }
  await look(root, "hostdev domxml-to-native qemu-argv /home/vm.xml");
  await look(root, "hostdev-admin grants");
  await look(root, "hostdev-admin revoke 04:01.0");
  held.close();
  await look(root, "hostdev-admin revoke 04:01.0 --dry-run");
  await look(root, "hostdev-admin revoke 04:01.0");
  const vf = "hostdev-admin grant 05:00.0 --to alex --memory 256MiB --vf 0 --mac 52:54:00:12:34:56 --vlan 7";
  await look(root, `${vf} --dry-run`);
  await look(root, vf);
  await look(root, "hostdev-admin revoke 05:10.0 --dry-run");
  await look(root, "hostdev-admin revoke 05:10.0");
  machine.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "0");
  await look(root, `${vf} --create-vfs 2 --dry-run`);
  await look(root, `${vf} --create-vfs 2`);
  await look(root, "hostdev-admin grants");
  machine.rebind("0000:05:10.2", "vfio-pci");
  const other = machine.function("0000:05:10.2").group ?? 0;
  machine.holdGroup(machine.process({ user: "root", comm: "other-vm" }), other);
  await look(root, "hostdev-admin revoke 05:10.0");
  machine.failOn({ operation: "writeKernel", path: /0000:02:00\.0\/reset$/, errno: "ENOTTY" });
  await look(root, "hostdev-admin grant 02:00.0 --to alex --memory 256MiB");
  await look(root, "hostdev-admin revoke 02:00.0");
  await look(root, "hostdev-admin grants");
  await look(root, "hostdev devices");
  await look(root, "hostdev-admin release 02:00.0 --trust");
  const killed = machine.open();
  killed.crashAt(4, "after");
  await runProgram(adminProgram, grant.split(" ").slice(1), killed, {
    print: () => {},
    warn: () => {},
    width: undefined,
    hasColour: false,
  });
  await look(machine.open(), "hostdev-admin recover");
  const broken = labMachine().file("/var/lib/hostdev/grants/0000:01:00.0.jsonl", "no record\n").build().open("alex");
  await look(broken, "hostdev show 01:00.0");
  await lookAtVms();
  await look(root, `${grant} --for 1h --note course`);
  machine.holdGroup(qemu, 13);
  machine.clock.pass(3_600_000);
  await look(root, "hostdev-admin expire");
  await look(root, "hostdev-admin grants");
  await look(root, "hostdev-admin setup --dry-run");
  await look(root, "hostdev-admin grant 02:00.0 --to bea --persistent");
  machine.reboot((topology) => topology.functions.delete("0000:02:00.0"));
  await look(machine.open(), "hostdev-admin restore");
  await look(machine.open(), "hostdev-admin grants");
});

/** A VM that runs, one that does not. */
async function lookAtVms(): Promise<void> {
  const daemon = await startAlexDaemon(labMachine().file("/home/vm.xml", vmWithScreens).build());
  const quiet = { print: () => {}, warn: () => {}, width: undefined, hasColour: false };
  for (const line of ["define /home/vm.xml", "list", "start vm"]) {
    await runProgram(userProgram, line.split(" "), daemon.host, quiet);
    await look(daemon.host, "hostdev list --all");
  }
  await runProgram(userProgram, ["destroy", "vm"], daemon.host, quiet);
  await daemon.stop();
}

test("docs/json.md has every field that the commands print, with its type", () => {
  assert.deepEqual([...new Set(wrong)], []);
});

test("docs/json.md has no field that no command prints", () => {
  const never = [...page].flatMap(([shape, fields]) =>
    [...fields.keys()].flatMap((field) => (seen.has(`${shape}.${field}`) ? [] : [`${shape}: ${field}`])),
  );
  assert.deepEqual(never, []);
});
