// SPDX-License-Identifier: Apache-2.0

/**
 * libvirt's own test domains on the QEMU of this machine, emulated and paused: what the guest sees is there, under its
 * name and at its address. Images, networks and ports are stand-ins; what this machine has nothing like is left out.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isHostdevError } from "../../src/core/errors.ts";
import { parseDomain } from "../../src/domain/parse.ts";
import { nvramFile } from "../../src/qemu/arguments.ts";
import { knownRefusals } from "../../src/qemu/known-refusals.ts";
import { adaptDomain, unfitReason } from "../integration/adapt-domain.ts";
import { environmentIn, noQemu, startAndCheck } from "../integration/qemu-start.ts";
import { noPeerData, peerData } from "../peer-data.ts";

const folder = peerData("domain-argv");
/** QEMU is busy by itself while it starts; a few at once use all of a small machine. */
const atOnce = 3;
/** The quick part of the gate takes every fourth domain. */
const step = process.env["HOSTDEV_QUICK"] === "1" ? 4 : 1;

test("buildArguments() starts this machine's QEMU with libvirt's domains", {
  skip: folder === undefined ? noPeerData : noQemu,
  timeout: 300_000,
}, async (context) => {
  const names = readdirSync(folder ?? ".")
    .filter((name) => name.endsWith(".xml"))
    .filter((_, index) => index % step === 0);
  const left = new Map<string, number>();
  const failures: string[] = [];
  let started = 0;
  const queue = [...names];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const result = await start(name).catch((error: unknown) => ({ failure: String(error) }));
      if (result === undefined) started++;
      else if ("failure" in result) failures.push(`${name}: ${result.failure}`);
      else left.set(result.left, (left.get(result.left) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  const reasons = [...left].sort((a, b) => b[1] - a[1]).map(([reason, count]) => `${count} ${reason}`);
  context.diagnostic(`${started} of ${names.length} domains started; left out for: ${reasons.join(", ")}`);
  assert.deepEqual(failures, []);
  assert.ok(started > 0.4 * names.length, `${started} of ${names.length} started`);
});

/** `undefined` when it started and was as it should be. */
async function start(name: string): Promise<{ left: string } | { failure: string } | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "hd-peer-"));
  try {
    const domain = parseDomain(readFileSync(join(folder ?? ".", name), "utf8"), { file: name });
    const reason = unfitReason(domain);
    if (reason !== undefined) return { left: reason };
    adaptDomain(domain, directory);
    const isRefused = knownRefusals(domain).length > 0;
    const environment = environmentIn(directory);
    const variables = nvramFile(domain, environment);
    if (variables?.template !== undefined) copyFileSync(variables.template, variables.path);
    const failure = await startAndCheck(domain, environment);
    if (isRefused) return failure === undefined ? { failure: "it started" } : { left: "what QEMU is known to refuse" };
    if (failure === undefined) return undefined;
    return failure.isLacking ? { left: "what this QEMU has not" } : { failure: failure.said };
  } catch (error) {
    if (isHostdevError(error, "HD_DOMAIN_UNSUPPORTED")) return { left: "what is refused by name" };
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
