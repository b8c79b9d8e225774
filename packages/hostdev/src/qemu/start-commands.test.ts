// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { startCommands } from "./start-commands.ts";

test("startCommands() has nothing to say for an ordinary domain", () => {
  assert.deepEqual(startCommands(parseDomain(sampleDomain())), []);
});

test("startCommands() tells what no argument carries", () => {
  const text = sampleDomain({
    body: "<currentMemory unit='MiB'>32</currentMemory><on_reboot>destroy</on_reboot>",
    devices: [
      "<disk type='file'><source file='/d/a'/><target dev='vda'/><iotune><total_bytes_sec>5000</total_bytes_sec></iotune></disk>",
      "<interface type='user'><link state='down'/></interface>",
      "<graphics type='vnc' passwd='secret'/>",
      "<memballoon model='virtio'><stats period='5'/></memballoon>",
    ].join(""),
  });
  const commands = startCommands(parseDomain(text));
  assert.deepEqual(
    commands.map((command) => command.execute),
    ["set-action", "set_link", "block_set_io_throttle", "set_password", "expire_password", "balloon", "qom-set"],
  );
  assert.deepEqual(commands[5]?.arguments, { value: 32 * 1024 * 1024 });
});
