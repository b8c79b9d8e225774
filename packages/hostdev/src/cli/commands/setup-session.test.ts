// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeHost, labMachine } from "../../../test/fake-host/index.ts";
import { runProgram } from "../run-program.ts";
import { userProgram } from "../user-program.ts";

const path = "/home/alex/.config/libvirt/libvirt.conf";

function alex(): FakeHost {
  const environment = { HOME: "/home/alex", XDG_RUNTIME_DIR: "/run/user/1000" };
  const host = labMachine().build().open("alex", { environment });
  const root = host.as("root");
  root.makeDirectory("/home", 0o755);
  root.makeDirectory("/home/alex", 0o700);
  root.setOwnership("/home/alex", { uid: 1000, gid: 1000, mode: 0o700 });
  return host;
}

async function setup(host: FakeHost, ...args: readonly string[]) {
  let text = "";
  const print = (more: string) => {
    text += more;
  };
  const output = { print, warn: print, width: undefined, hasColour: false };
  return { status: await runProgram(userProgram, ["setup", ...args], host, output), text };
}

test("setup changes nothing unless asked to, and says what to do", async () => {
  const host = alex();
  const { status, text } = await setup(host);
  assert.equal(status, 0);
  assert.match(
    text,
    /\/run\/user\/1000\/libvirt\/virtqemud-sock \(not there\)\n.*hostdev-sessiond\n.*hostdev setup --default-uri/,
  );
  assert.equal(host.mutations, 0);
});

test("setup --default-uri writes it once, behind what is there", async () => {
  const host = alex();
  host.makeDirectory("/home/alex/.config/libvirt", 0o700);
  host.writeFile(path, '#uri_default = "qemu:///system"', 0o640);
  assert.equal((await setup(host, "--default-uri")).status, 0);
  const expected = '#uri_default = "qemu:///system"\nuri_default = "qemu:///session"\n';
  assert.equal(host.readText(path), expected);
  assert.equal(host.status(path)?.mode, 0o640);
  assert.match((await setup(host, "--default-uri")).text, /already/);
  assert.equal(host.readText(path), expected);
});

test("setup --default-uri leaves another default alone", async () => {
  const host = alex();
  host.makeDirectory("/home/alex/.config/libvirt", 0o700);
  host.writeFile(path, "uri_default = 'qemu:///system'\n", 0o600);
  const { status, text } = await setup(host, "--default-uri");
  assert.equal(status, 7);
  assert.match(text, /has qemu:\/\/\/system/);
  assert.equal(host.readText(path), "uri_default = 'qemu:///system'\n");
});

test("setup is nothing for root", async () => {
  assert.equal((await setup(alex().as("root"))).status, 2);
});
