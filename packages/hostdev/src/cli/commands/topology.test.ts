// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SaxesParser } from "saxes";
import { type FakeHost, fakeMachine, noIommuMachine } from "../../../test/fake-host/index.ts";
import { scatteredMachine, serverMachine, smallMachine } from "../../../test/golden/topology/machines.ts";
import { packageRoot } from "../../../test/style/source-tree.ts";
import { runProgram } from "../run-program.ts";
import { userProgram } from "../user-program.ts";

/** Runs the verb; `width` of the terminal. */
async function topology(host: FakeHost, args: readonly string[] = [], width?: number) {
  let stdout = "";
  let stderr = "";
  const print = (text: string) => {
    stdout += text;
  };
  const warn = (text: string) => {
    stderr += text;
  };
  const status = await runProgram(userProgram, ["topology", ...args], host, { print, warn, width, hasColour: false });
  return { stdout, stderr, status };
}

function assertGolden(name: string, text: string): void {
  const path = join(packageRoot, "test/golden/topology", name);
  if (process.env["UPDATE_GOLDEN"]) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, "utf8"));
}

/** The names of all elements of well-formed XML. */
function parseXml(text: string): readonly string[] {
  const names: string[] = [];
  const parser = new SaxesParser();
  parser.on("error", (error) => {
    throw error;
  });
  parser.on("opentag", ({ name }) => names.push(name));
  parser.write(text).close();
  return names;
}

for (const [name, machine] of Object.entries({ small: smallMachine, scattered: scatteredMachine })) {
  test(`topology: the golden tree and pictures of the ${name} machine`, async () => {
    assertGolden(`${name}.txt`, (await topology(machine())).stdout);
    assertGolden(`${name}.svg`, (await topology(machine(), ["--svg", "-"])).stdout);
    assertGolden(`${name}.html`, (await topology(machine(), ["--html", "-"])).stdout);
  });
}

test("topology: the tree keeps to the terminal's width, with the verdict in it", async () => {
  for (const width of [80, 120]) {
    const lines = (await topology(smallMachine(), [], width)).stdout.trimEnd().split("\n");
    assert.deepEqual(
      lines.filter((line) => line.length > width),
      [],
    );
    assert.match(lines.find((line) => line.includes("0000:01:00.0")) ?? "", /^11 {5}│ {2}└─ 0000:01:00.0 +ready/);
  }
});

test("topology --svg is well-formed XML and needs nothing from elsewhere", async () => {
  for (const machine of [smallMachine, scatteredMachine, serverMachine]) {
    const { stdout } = await topology(machine(), ["--svg", "-"]);
    const names = parseXml(stdout);
    assert.equal(names[0], "svg");
    assert.doesNotMatch(stdout.replace("http://www.w3.org/2000/svg", ""), /https?:|url\(|@import|href|src=/);
    assert.match(stdout, /prefers-color-scheme:dark/);
  }
});

test("topology --html needs nothing from elsewhere, and escapes names", async () => {
  const { stdout } = await topology(scatteredMachine(), ["--html", "-"]);
  assert.doesNotMatch(stdout, /https?:|url\(|@import|href|src=|<script/);
  assert.ok(!stdout.includes("\u001b"));
  assert.match(stdout, /GP104 &lt;GeForce GTX 1070&gt; &amp; &quot;friends&quot;/);
  assert.equal(stdout.match(/<details/g)?.length, stdout.match(/<\/details>/g)?.length);
  assert.equal(stdout.match(/<div/g)?.length, stdout.match(/<\/div>/g)?.length);
});

test("topology --svg FILE writes the file, and says so", async () => {
  const host = smallMachine();
  const { stdout } = await topology(host, ["--svg", "/home/alex/pci.svg"]);
  assert.equal(stdout, "Wrote /home/alex/pci.svg\n");
  assert.match(host.readText("/home/alex/pci.svg") ?? "", /^<svg /);
  assert.equal((await topology(host, ["--svg", "/home/alex/pci.svg"])).status, 0, "again");
});

test("topology --html FILE refuses what is no file, and folders that are missing or closed", async () => {
  const host = smallMachine();
  const refusal = async (path: string) => {
    const { stderr, status } = await topology(host, ["--html", path]);
    assert.equal(status, 4);
    return stderr.split("\n")[0];
  };
  assert.equal(await refusal("/dev/null"), "hostdev: Cannot write /dev/null: it is no file, but a character-device");
  assert.equal(await refusal("/home"), "hostdev: Cannot write /home: it is no file, but a directory");
  assert.equal(await refusal("/nowhere/x"), "hostdev: Cannot write /nowhere/x: there is no folder /nowhere");
  assert.match((await refusal("/usr/bin/x")) ?? "", /^hostdev: Cannot write \/usr\/bin\/x: permission denied/);
});

test("topology takes one form at a time", async () => {
  const { status, stderr } = await topology(smallMachine(), ["--svg", "-", "--html", "-"]);
  assert.equal(status, 2);
  assert.match(stderr, /cannot be used with/);
});

test("topology --json has the tree, with what hostdev devices says of each function", async () => {
  const json = JSON.parse((await topology(smallMachine(), ["--json"])).stdout);
  assert.equal(json.version, 1);
  const port = json.rootBuses[0].children.find(({ address }: { address: string }) => address === "0000:00:02.0");
  assert.equal(port.children[0].address, "0000:01:00.0");
  assert.equal(port.children[0].verdict, "ready");
});

test("topology draws machines without IOMMU", async () => {
  assert.match((await topology(noIommuMachine().open())).stdout, /- +│? *└─ 0000:01:00.0 +no IOMMU group/);
  assert.doesNotMatch((await topology(fakeMachine().open(), ["--svg", "-"])).stdout, /outline:/);
});
