// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, type MachineBuilder, noIommuMachine } from "../../test/fake-host/index.ts";
import { checkCommands } from "./commands.ts";
import { type Diagnosis, diagnose } from "./diagnose.ts";
import { checkLinuxContainer } from "./linux-container.ts";

/** The machine with all programs installed, as it should be. */
function equipped(builder: MachineBuilder) {
  const machine = builder.build();
  const answers: Readonly<Record<string, string>> = {
    "--version": "QEMU emulator version 10.0.3\n",
    "-device": 'name "vfio-pci", bus PCI\n',
    "-accel": "tcg\nkvm\n",
  };
  machine.command("qemu-system-x86_64", ([first = ""]) => ({ stdout: answers[first] ?? "" }), { mutates: false });
  for (const name of ["dd", "flock"]) machine.command(name, () => ({}), { mutates: false });
  return machine;
}

const failures = ({ sections }: Diagnosis) =>
  sections.flatMap(({ findings }) => findings.filter(({ level }) => level === "failure").map(({ code }) => code));

test("diagnose() finds the lab able, for everyone, and changes nothing", async () => {
  const machine = equipped(labMachine());
  const before = machine.snapshot();
  for (const user of ["root", "alex"]) {
    const diagnosis = await diagnose(machine.open(user), []);
    assert.deepEqual(failures(diagnosis), []);
    assert.equal(diagnosis.isAble, true);
    assert.deepEqual(
      diagnosis.sections.map(({ id }) => id),
      ["iommu", "vfio", "qemu", ...(user === "root" ? [] : ["user"]), "drivers", "system"],
    );
  }
  assert.deepEqual(machine.snapshot(), before);
});

test("diagnose() finds all that is wrong at once", async () => {
  const machine = noIommuMachine()
    .file("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n")
    .withoutModule("vfio-pci")
    .build();
  const diagnosis = await diagnose(machine.open("alex"), []);
  assert.equal(diagnosis.isAble, false);
  assert.deepEqual(failures(diagnosis), [
    "HD_IOMMU_OFF",
    "HD_UNSAFE_SWITCH",
    "HD_MODULE_MISSING",
    "HD_CONTAINER_NOT_ACCESSIBLE",
    "HD_QEMU_NOT_FOUND",
    "HD_COMMAND_NOT_FOUND",
    "HD_COMMAND_NOT_FOUND",
  ]);
});

test("diagnose() gives each failure and warning a code and a fix", async () => {
  const { sections } = await diagnose(noIommuMachine().build().open("alex"), []);
  const problems = sections.flatMap(({ findings }) => findings).filter(({ level }) => /failure|warning/.test(level));
  assert.ok(problems.length > 0);
  assert.deepEqual(
    problems.filter(({ code, fix }) => code === undefined || fix === undefined),
    [],
  );
});

test("diagnose() goes on when a check cannot be made", async () => {
  const machine = equipped(labMachine());
  machine.failOn({ operation: "status", path: "/dev/vfio/vfio", errno: "EIO" });
  const { sections } = await diagnose(machine.open("alex"), []);
  const [warning] = sections.flatMap(({ findings }) => findings).filter(({ level }) => level === "warning");
  assert.equal(warning?.code, "HD_FILE");
});

test("checkCommands() names each program that is missing", async () => {
  const host = equipped(labMachine().withoutCommand("prlimit")).open("alex");
  assert.deepEqual(
    (await checkCommands(host)).map(({ text }) => text),
    ["There is no prlimit"],
  );
});

test("checkLinuxContainer() tells a container from a machine", () => {
  assert.deepEqual(checkLinuxContainer(labMachine().build().open("alex")), []);
  const [finding] = checkLinuxContainer(labMachine().file("/.dockerenv", "").build().open("alex"));
  assert.match(finding?.text ?? "", /container \(docker\)/);
});
