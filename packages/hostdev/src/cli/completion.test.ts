// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { fakeMachine } from "../../test/fake-host/index.ts";
import { adminProgram } from "./admin-program.ts";
import { shells } from "./completion.ts";
import { runProgram } from "./run-program.ts";
import { userProgram } from "./user-program.ts";

const programs = { hostdev: userProgram, "hostdev-admin": adminProgram };
type Name = keyof typeof programs;

/** With three functions, as sysfs has them. */
let sysfs = "";
before(() => {
  sysfs = mkdtempSync(join(tmpdir(), "hostdev-completion-"));
  const script = `cd ${sysfs} && mkdir -p devices/0000:01:00.0/net/enp1s0 devices/0000:02:00.0/nvme/nvme0/nvme0n1 \
    devices/0000:04:01.0 drivers/e1000e drivers/nvme groups/11 groups/12`;
  spawnSync("sh", ["-c", script]);
});
after(() => rmSync(sysfs, { recursive: true }));

async function script(name: Name, shell: string): Promise<string> {
  let text = "";
  const print = (more: string) => {
    text += more;
  };
  const output = { print, warn: print, width: undefined, hasColour: false };
  assert.equal(await runProgram(programs[name], ["completion", shell], fakeMachine().open(), output), 0);
  return text
    .replaceAll("/sys/bus/pci/devices", `${sysfs}/devices`)
    .replaceAll("/sys/bus/pci/drivers", `${sysfs}/drivers`)
    .replaceAll("/sys/kernel/iommu_groups", `${sysfs}/groups`);
}

/** What bash would put in place of the end of the line, as Tab is pressed there. */
async function complete(t: TestContext, line: string): Promise<readonly string[] | undefined> {
  const name = line.split(" ")[0] as Name;
  const call = `COMP_LINE=${JSON.stringify(line)}; COMP_POINT=\${#COMP_LINE}; _${name.replaceAll("-", "_")}
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, error } = spawnSync("bash", ["--norc", "-c", `${await script(name, "bash")}\n${call}`]);
  if (error) return t.skip("bash is not installed") as undefined;
  assert.equal(String(stderr), "");
  return String(stdout)
    .split("\n")
    .filter((word) => word !== "");
}

const cases: readonly (readonly [line: string, words: readonly string[]])[] = [
  ["hostdev dev", ["devices"]],
  ["hostdev nodedev-", ["nodedev-list", "nodedev-dumpxml"]],
  ["hostdev --v", ["--version"]],
  ["hostdev devices --g", ["--group", "--grantable"]],
  ["hostdev devices --driver e1", ["e1000e"]],
  ["hostdev devices --group 1", ["11", "12"]],
  ["hostdev show ", ["0000:01:00.0", "0000:02:00.0", "0000:04:01.0", "enp1s0", "nvme0n1"]],
  ["hostdev show e", ["enp1s0"]],
  ["hostdev show 0000:0", ["01:00.0", "02:00.0", "04:01.0"]], // after the colon, as bash splits there
  ["hostdev show 0000:04:", ["01.0"]],
  ["hostdev show 04:", ["01.0"]],
  ["hostdev show --json nv", ["nvme0n1"]],
  ["hostdev show 01:00.0 ", []],
  ["hostdev nodedev-dumpxml 01:00.0 --strict-libvirt en", ["enp1s0"]],
  ["hostdev completion ", ["bash", "fish", "zsh"]],
  ["hostdev-admin grant 01:00.0 --to roo", ["root"]],
  ["hostdev-admin grant 01:00.0 --to=roo", ["root"]],
  ["hostdev-admin grant --to root --hold 0000:04", ["04:01.0"]],
  ["hostdev-admin grant --hold=0000:04", ["04:01.0"]],
  ["hostdev-admin grant --memory ", []],
  ["hostdev-admin revoke --", ["--dry-run", "--help", "--json", "--kill", "--wait"]],
];

for (const [line, words] of cases) {
  test(`bash completes "${line}"`, async (t) => {
    const found = await complete(t, line);
    if (found) assert.deepEqual([...found].sort(), [...words].sort());
  });
}

test("bash completes files, also below folders", async (t) => {
  const found = await complete(t, `hostdev check ${sysfs}/dri`);
  if (found) assert.deepEqual(found, [`${sysfs}/drivers`]);
});

test("bash knows the completion after the script was sourced", async (t) => {
  const text = `${await script("hostdev-admin", "bash")}\ncomplete -p hostdev-admin`;
  const { stdout, error } = spawnSync("bash", ["--norc", "-c", text]);
  if (error) return t.skip("bash is not installed");
  assert.equal(String(stdout), "complete -F _hostdev_admin hostdev-admin\n");
});

for (const shell of shells) {
  for (const name of ["hostdev", "hostdev-admin"] as const) {
    test(`${name} completion ${shell} is good syntax`, async (t) => {
      const path = join(sysfs, `${name}.${shell}`);
      writeFileSync(path, await script(name, shell));
      const { stderr, status, error } = spawnSync(shell, ["-n", path]);
      if (error) return t.skip(`${shell} is not installed`);
      assert.equal(String(stderr), "");
      assert.equal(status, 0);
    });
  }
}

test("fish completes verbs, devices and users", async (t) => {
  const lines = [
    "hostdev nodedev-l",
    "hostdev show enp",
    "hostdev-admin grant --to roo",
    "hostdev devices --driver nv",
  ];
  const text = `${await script("hostdev", "fish")}\n${await script("hostdev-admin", "fish")}\n${lines
    .map((line) => `complete -C ${JSON.stringify(line)} | string split -f1 \\t`)
    .join("\n")}`;
  const { stdout, error } = spawnSync("fish", ["--no-config", "-c", text]);
  if (error) return t.skip("fish is not installed");
  assert.deepEqual(String(stdout).trim().split("\n"), ["nodedev-list", "enp1s0", "root", "nvme"]);
});

test("hostdev completion refuses a shell that it does not know", async () => {
  let said = "";
  const warn = (text: string) => {
    said += text;
  };
  const output = { print: () => {}, warn, width: undefined, hasColour: false };
  assert.equal(await runProgram(userProgram, ["completion", "tcsh"], fakeMachine().open(), output), 2);
  assert.match(said, /Allowed choices are bash, fish, zsh/);
});
