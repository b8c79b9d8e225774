// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeMachine } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { readyMachine, xmlOf } from "../../test/session/ready-machine.ts";
import { checkHelpers } from "./check-helpers.ts";
import { readVm } from "./plan-launch.ts";

const tpm = "<tpm model='tpm-crb'><backend type='emulator'/></tpm>";
const passt = "<interface type='user'><backend type='passt'/></interface>";
const virtiofs = "<filesystem><driver type='virtiofs'/><source dir='/home/alex'/><target dir='tag'/></filesystem>";
const body = "<memoryBacking><access mode='shared'/></memoryBacking>";

const program = (machine: FakeMachine, path: string) =>
  machine.fs.add(path, { kind: "file", content: "ELF", mode: 0o755, uid: 0, gid: 0 });

function installAll(machine: FakeMachine, virtiofsdSays: string): void {
  for (const name of ["/usr/bin/swtpm", "/usr/bin/swtpm_setup", "/usr/bin/passt", "/opt/virtiofsd"])
    program(machine, name);
  const description = JSON.stringify({ type: "fs", binary: "/opt/virtiofsd" });
  machine.fs.add("/usr/share/qemu/vhost-user/50-fs.json", {
    kind: "file",
    content: description,
    mode: 0o644,
    uid: 0,
    gid: 0,
  });
  machine.command("/opt/virtiofsd", () => ({ stdout: virtiofsdSays }), { mutates: false });
}

async function findings(devices: string, arrange: (machine: FakeMachine) => void, user = "alex") {
  const { machine, host } = await readyMachine();
  arrange(machine);
  const domain = readVm(host, xmlOf({ device: "", devices, body }), "vm.xml");
  return checkHelpers(user === "alex" ? host : machine.open(user), domain);
}

test("checkHelpers() raises no false alarm, and looks for nothing that is not needed", async () => {
  const found = await findings(tpm + passt + virtiofs, (m) => installAll(m, "virtiofsd 1.13.2\n"));
  assert.deepEqual(
    found.map(({ level }) => level),
    ["ok", "ok", "ok", "ok"],
  );
  assert.deepEqual(await findings("<interface type='user'/>", () => {}), []);
});

test("checkHelpers() finds programs that are not installed", async () => {
  const found = await findings(tpm + passt + virtiofs, () => {});
  assert.deepEqual(
    found.map(({ code }) => code),
    Array(4).fill("HD_COMMAND_NOT_FOUND"),
  );
});

const unable: readonly (readonly [string, string, (machine: FakeMachine) => void, string?])[] = [
  ["QEMU's old virtiofsd", virtiofs, (m) => installAll(m, "virtiofsd version 7.2.22 (Debian)\n")],
  ["passt that root would run", passt, (m) => installAll(m, ""), "root"],
  [
    "no user namespaces",
    passt,
    (m) => {
      installAll(m, "");
      m.fs.add("/proc/sys/user/max_user_namespaces", attribute("0"));
    },
  ],
];

for (const [name, devices, arrange, user] of unable) {
  test(`checkHelpers() finds ${name}`, async () => {
    const [finding] = await findings(devices, arrange, user);
    assert.equal(finding?.code, "HD_HELPER_UNABLE");
    assert.ok(finding?.fix);
  });
}
