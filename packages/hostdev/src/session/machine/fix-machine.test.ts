// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../../test/fake-host/index.ts";
import { parseDomain } from "../../domain/parse.ts";
import { findAlias, fixMachine } from "./fix-machine.ts";

const help = `Supported machines are:
microvm              microvm (i386)
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)
pc-i440fx-7.2        Standard PC (i440FX + PIIX, 1996) (default)
q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-7.2)
pc-q35-7.2           Standard PC (Q35 + ICH9, 2009)
none                 empty machine
`;

const domain = (machine: string) =>
  parseDomain(
    `<domain type='qemu'><name>vm</name><memory>65536</memory><os><type machine='${machine}'>hvm</type></os></domain>`,
  );

test("findAlias() takes the name behind an alias, and nothing else", () => {
  assert.equal(findAlias(help, "q35"), "pc-q35-7.2");
  assert.equal(findAlias(help, "pc"), "pc-i440fx-7.2");
  assert.equal(findAlias(help, "microvm"), undefined);
});

test("fixMachine() leaves full names alone, and everything where there is no emulator", async () => {
  const host = labMachine().build().open("alex");
  for (const machine of ["pc-q35-6.1", "q35"]) {
    const definition = domain(machine);
    await fixMachine(host, definition, "/nowhere/qemu");
    assert.equal(definition.os.type.machine, machine);
  }
});
