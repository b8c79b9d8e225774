// SPDX-License-Identifier: Apache-2.0

/**
 * The recorded domains on the QEMU of this machine: it must start paused with our arguments, take the commands that
 * go with them, and show every PCI device at the address that the domain says. Domains with devices of the host are
 * left to the lab.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { HostdevError } from "../../src/core/errors.ts";
import type { Domain } from "../../src/domain/domain.ts";
import { parseDomain } from "../../src/domain/parse.ts";
import { buildArguments, nvramFile } from "../../src/qemu/arguments.ts";
import type { QemuEnvironment } from "../../src/qemu/environment.ts";
import { goldenFolder } from "../golden/golden-folder.ts";
import { environmentIn, hasKvm, noQemu, startAndCheck } from "./qemu-start.ts";
import { emptyQcow2 } from "./qemu-tools.ts";

const folder = goldenFolder("domain");
let started = 0;
const names = readdirSync(folder).sort();
after(() => {
  if (noQemu === false) console.log(`QEMU started with ${started} of ${names.length} recorded domains`);
});

for (const name of names) {
  const text = readFileSync(join(folder, name, "in.xml"), "utf8");
  const wantsHost = /<hostdev|type='hostdev'/.test(text) ? "needs devices of the host" : false;
  const unfit = wantsHost || (/type='kvm'/.test(text) && !hasKvm ? "there is no /dev/kvm that we may use" : false);

  test(`buildArguments() starts this machine's QEMU: ${name}`, {
    skip: noQemu || unfit,
    timeout: 60_000,
  }, async (context) => {
    const directory = mkdtempSync(join(tmpdir(), "hd-qemu-"));
    try {
      const domain = parseDomain(text.replaceAll("/srv/vms", directory), { file: name });
      delete domain.devices.emulator;
      const environment = environmentIn(directory);
      const refusal = refusalOf(domain, environment);
      if (refusal !== undefined) return context.skip(refusal);
      makeFiles(domain, directory, environment);
      const failure = await startAndCheck(domain, environment);
      if (failure?.isLacking === true) return context.skip(failure.said);
      assert.equal(failure?.said, undefined);
      started++;
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}

/** Why an ordinary user of this machine cannot have that domain; told by name, so it is nothing to test here. */
function refusalOf(domain: Domain, environment: QemuEnvironment): string | undefined {
  try {
    buildArguments(domain, environment);
    return undefined;
  } catch (error) {
    if (!(error instanceof HostdevError)) throw error;
    return error.message;
  }
}

/** The images a domain names: qcow2 ones by their name, all others plain; and the variables of its firmware. */
function makeFiles(domain: Domain, directory: string, environment: QemuEnvironment): void {
  mkdirSync(join(directory, "shared"));
  const make = (path: string | undefined) => {
    if (path !== undefined)
      writeFileSync(path, path.endsWith(".qcow2") ? emptyQcow2(1 << 20) : Buffer.alloc(1440 * 1024));
  };
  for (const disk of domain.devices.disks) {
    if (disk.type !== "file") continue;
    make(disk.source?.file);
    for (let store = disk.backingStore; store !== undefined && store.type === "file"; store = store.backingStore)
      make(store.source?.file);
  }
  const variables = nvramFile(domain, environment);
  if (variables?.template !== undefined) writeFileSync(variables.path, readFileSync(variables.template));
}
