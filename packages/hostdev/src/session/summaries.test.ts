// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { screenOf } from "./summaries.ts";

test("a screen is reached where it listens, if it does", () => {
  const screens = [
    "<graphics type='vnc'><listen type='socket' socket='/run/vnc'/></graphics>",
    "<graphics type='spice' port='5901' autoport='no'><listen type='address' address='127.0.0.2'/></graphics>",
    "<graphics type='egl-headless'/>",
  ];
  const { devices } = parseDomain(sampleDomain({ devices: screens.join("") }));
  assert.deepEqual(devices.graphics.map(screenOf), [
    { kind: "vnc", path: "/run/vnc", address: undefined, port: undefined },
    { kind: "spice", path: undefined, address: "127.0.0.2", port: 5901 },
    undefined,
  ]);
});
