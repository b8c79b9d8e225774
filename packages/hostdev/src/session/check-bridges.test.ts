// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeMachine } from "../../test/fake-host/index.ts";
import { readyMachine, xmlOf } from "../../test/session/ready-machine.ts";
import type { BridgeProblem } from "../core/error-details.ts";
import { checkBridges } from "./check-bridges.ts";
import { readVm } from "./plan-launch.ts";

const helper = "/usr/lib/qemu/qemu-bridge-helper";
const file = { kind: "file", uid: 0, gid: 0 } as const;
const rules = (content: string, mode = 0o644) => ["/etc/qemu/bridge.conf", { ...file, content, mode }] as const;

async function findings(arrange: (machine: FakeMachine) => void) {
  const { machine, host } = await readyMachine();
  machine.fs.add("/sys/class/net/br0/bridge/stp_state", { ...file, content: "0", mode: 0o644 });
  machine.fs.add(helper, { ...file, content: "ELF", mode: 0o4755 });
  machine.fs.add(...rules("# ours\nallow br0\n"));
  arrange(machine);
  const card = "<interface type='bridge'><source bridge='br0'/><model type='virtio'/></interface>";
  return checkBridges(host, readVm(host, xmlOf({ device: "", devices: card }), "vm.xml"));
}

test("checkBridges() raises no false alarm", async () => {
  assert.deepEqual(
    (await findings(() => {})).map(({ level }) => level),
    ["ok"],
  );
});

const rows: readonly (readonly [string, BridgeProblem, (machine: FakeMachine) => void])[] = [
  ["no bridge", "missing", (m) => m.fs.remove("/sys/class/net/br0")],
  ["a card that is no bridge", "not-a-bridge", (m) => m.fs.remove("/sys/class/net/br0/bridge")],
  ["no helper", "no-helper", (m) => m.fs.remove(helper)],
  [
    "a helper without privileges",
    "helper-unprivileged",
    (m) => m.fs.add(helper, { ...file, content: "", mode: 0o755 }),
  ],
  ["a helper for others", "helper-forbidden", (m) => m.fs.add(helper, { ...file, content: "", mode: 0o4750 })],
  ["no rules", "not-allowed", (m) => m.fs.remove("/etc/qemu/bridge.conf")],
  ["rules for others", "not-allowed", (m) => m.fs.add(...rules("allow br1\n"))],
  ["a rule against it", "not-allowed", (m) => m.fs.add(...rules("allow all\ndeny br0\n"))],
];

for (const [name, problem, arrange] of rows) {
  test(`checkBridges() finds ${name}`, async () => {
    const found = (await findings(arrange)).filter(({ level }) => level === "failure");
    assert.deepEqual(
      found.map(({ code, details }) => [code, (details as { problem?: string }).problem]),
      [["HD_NETWORK_BRIDGE", problem]],
    );
    assert.ok(found[0]?.fix);
  });
}

test("checkBridges() follows included rules, also in a circle, and says when it may not read them", async () => {
  const included = await findings((m) => {
    m.fs.add(...rules("include /etc/qemu/more.conf\n"));
    m.fs.add("/etc/qemu/more.conf", { ...file, content: "include /etc/qemu/more.conf\nallow all\n", mode: 0o644 });
  });
  assert.deepEqual(
    included.map(({ level }) => level),
    ["ok"],
  );
  const secret = await findings((m) => m.fs.add(...rules("allow br0\n", 0o640)));
  assert.deepEqual(
    secret.map(({ level }) => level),
    ["note"],
  );
});
