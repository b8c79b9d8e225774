// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { nic, readyMachine, xmlOf } from "../../test/session/ready-machine.ts";
import { HostdevError, isHostdevError } from "../core/errors.ts";
import { assertStartable } from "./assert-startable.ts";
import { readVm } from "./plan-launch.ts";

const ask = "Ask an administrator to run: ";
const memory = "<memory unit='MiB'>64</memory>";
const hostdev = (bus: string, slot: string) =>
  `<hostdev type='pci'><source><address bus='${bus}' slot='${slot}'/></source></hostdev>`;

/** What alex is told to do when the VM cannot start on the machine where only the network card is his. */
async function hintFor(parts: Parameters<typeof xmlOf>[0]): Promise<string | undefined> {
  const { host } = await readyMachine();
  const error = await assertStartable(host, readVm(host, xmlOf({ memory, ...parts }), "vm.xml")).catch((it) => it);
  assert.ok(error instanceof HostdevError && isHostdevError(error, "HD_PREFLIGHT_FAILED"), String(error));
  return error.hint;
}

test("the command for a device of a group with mates names them, once for all that is wrong", async () => {
  const hint = await hintFor({ device: "0000:04:02.0" });
  assert.equal(
    hint,
    `${ask}hostdev-admin grant 0000:04:02.0 --to alex --memory 64MiB --hold 0000:04:01.0 --hold 0000:04:03.0`,
  );
});

test("two devices of one group are one grant", async () => {
  const hint = await hintFor({ device: "0000:04:02.0", devices: hostdev("0x04", "0x01") });
  assert.equal(
    hint,
    `${ask}hostdev-admin grant 0000:04:02.0 --to alex --memory 64MiB --give 0000:04:01.0 --hold 0000:04:03.0`,
  );
});

test("devices of two groups are two commands, and the one that is lent is in none", async () => {
  const hint = await hintFor({ device: "0000:02:00.0", devices: hostdev("0x01", "0") + hostdev("0x05", "0") });
  const grant = (address: string) => `${ask}hostdev-admin grant ${address} --to alex --memory 64MiB`;
  assert.equal(hint, `${grant("0000:02:00.0")}; ${grant("0000:05:00.0")}`);
});

test("a grant for less memory has to end first, unless another one is to be made anyway", async () => {
  const larger = { memory: "<memory unit='MiB'>2000</memory>" };
  const grant = (address: string) => `hostdev-admin grant ${address} --to alex --memory 2000MiB`;
  assert.equal(await hintFor(larger), `${ask}hostdev-admin revoke ${nic} && ${grant(nic)}`);
  assert.equal(await hintFor({ ...larger, devices: hostdev("0x02", "0") }), `${ask}${grant("0000:02:00.0")}`);
});
