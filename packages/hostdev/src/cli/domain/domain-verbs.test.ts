// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { labMachine } from "../../../test/fake-host/index.ts";
import { type AlexDaemon, startAlexDaemon } from "../../../test/session/alex-daemon.ts";
import { runProgram } from "../run-program.ts";
import { userProgram } from "../user-program.ts";

const xml = `<domain type='qemu'><name>vm</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os>
  <devices><serial type='pty'/><graphics type='vnc'/></devices></domain>`;
const disk = "<disk type='file'><source file='/home/alex/a.img'/><target dev='vda' bus='virtio'/></disk>";

let alex: AlexDaemon;

before(async () => {
  const machine = labMachine().build();
  const root = machine.open();
  root.makeDirectory("/home/alex", 0o755);
  root.writeFile("/home/alex/vm.xml", xml, 0o644);
  root.writeFile("/home/alex/disk.xml", disk, 0o644);
  alex = await startAlexDaemon(machine);
});

after(() => alex.stop());

/** Runs a command line: its status, what it printed, what it said. */
async function hostdev(line: string): Promise<{ status: number; out: string; said: string }> {
  const text = { out: "", said: "" };
  const output = {
    print: (more: string) => {
      text.out += more;
    },
    warn: (more: string) => {
      text.said += more;
    },
    width: undefined,
    hasColour: false,
  };
  return { status: await runProgram(userProgram, line.split(" "), alex.host, output), ...text };
}

test("a VM's life by the verbs, through the daemon", async () => {
  assert.match((await hostdev("list --all")).out, /No VM is defined/);
  assert.equal((await hostdev("define /home/alex/vm.xml")).status, 0);
  const events = hostdev("events vm --count 4 --json");
  await new Promise((resolve) => setTimeout(resolve, 1000)); // it says nothing when it is ready; on an idle machine 20 ms are enough
  assert.equal((await hostdev("start vm --paused")).status, 0);
  assert.match(
    (await hostdev("list")).out,
    /1 +vm +paused \(user\) +console \/dev\/pts\/\d+ +vnc\+unix:\/\/\/run\/user\/1000\/hostdev\/1-\w{8}\/vnc.sock/,
  );
  for (const line of ["resume vm", "suspend 1", "resume vm", "reset vm"])
    assert.equal((await hostdev(line)).status, 0, line);
  const told = (await events).out
    .trim()
    .split("\n")
    .map((one) => JSON.parse(one) as { kind: string; event: number });
  assert.equal(told.length, 4);
  assert.deepEqual(
    told.map(({ kind, event }) => `${kind} ${event}`),
    ["lifecycle 2", "lifecycle 3", "lifecycle 4", "lifecycle 3"],
  );
  const { vms } = JSON.parse((await hostdev("list --json")).out) as { vms: { state: string; reason: string }[] };
  assert.deepEqual([vms[0]?.state, vms[0]?.reason], ["running", "unpaused"]);
  assert.match((await hostdev("dumpxml vm")).out, /<alias name='serial0'\/>/);
  assert.doesNotMatch((await hostdev("dumpxml vm --inactive")).out, /<alias/);
  assert.match((await hostdev("undefine vm")).said, /not defined any more/);
  assert.equal((await hostdev("destroy vm")).status, 0);
  assert.equal((await hostdev("list --all")).out, "No VM is defined.\n");
});

test("devices come and go, and what cannot be is told with its status", async () => {
  await hostdev("define /home/alex/vm.xml");
  assert.equal((await hostdev("attach vm /home/alex/disk.xml --config")).status, 0);
  assert.match((await hostdev("dumpxml vm")).out, /vda/);
  assert.equal((await hostdev("detach vm /home/alex/disk.xml")).status, 0);
  assert.equal((await hostdev("attach vm /home/alex/disk.xml --live")).status, 4); // it does not run
  await hostdev("start vm");
  assert.equal((await hostdev("attach vm /home/alex/disk.xml")).status, 0);
  assert.ok(alex.started.at(-1)?.commands.some(({ execute }) => execute === "device_add"));
  assert.equal((await hostdev("detach vm /home/alex/disk.xml")).status, 0);
  assert.equal((await hostdev("detach vm /home/alex/disk.xml")).status, 4);
  assert.equal((await hostdev("attach vm 77:00.0")).status, 3);
  assert.equal((await hostdev("start nosuch")).status, 3);
  assert.equal((await hostdev("shutdown vm --mode magic")).status, 2);
  assert.equal((await hostdev("list --connect http://x")).status, 2);
  assert.equal((await hostdev("list --connect qemu:///session?mode=odd")).status, 2);
  const legacy = await hostdev("list --connect qemu:///session?mode=legacy");
  assert.match(legacy.said, /nobody listens on \/run\/user\/1000\/libvirt\/libvirt-sock$/m);
  assert.equal((await hostdev("list --connect /nobody/here")).status, 4);
  assert.equal((await hostdev("destroy vm")).status, 0);
});
