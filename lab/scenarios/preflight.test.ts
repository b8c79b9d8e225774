// SPDX-License-Identifier: Apache-2.0

/*
 * What `hostdev check` says beside what QEMU does when it is started without it, for every failure that can be provoked
 * here: each must be predicted, and each prediction must come true.
 */

import assert from "node:assert/strict";
import { type Case, preflightCases, prelude, prepare } from "../src/preflight/cases.ts";
import { startDriver } from "../src/preflight/driver.ts";
import { labScenario } from "../src/scenario.ts";

const { section } = labScenario();

section("the check foretells what QEMU does", async (lab) => {
  const root = (script: string) => lab.root(`${prelude}${script}`, { check: true });
  await root(prepare);
  const driver = await startDriver(lab);
  await root(`prlimit --pid ${driver.pid} --memlock=${8 * 1024 ** 2}:${1.25 * 1024 ** 3}`);
  const matrix = { "passes, starts": 0, "passes, fails": 0, "refused, starts": 0, "refused, fails": 0 };
  const problems: string[] = [];
  for (const one of preflightCases(driver.pid)) {
    const started = Date.now();
    if (one.arrange !== undefined) await root(one.arrange);
    const { codes, texts, said } = await driver.judge(one);
    if (one.restore !== undefined) await root(one.restore);
    matrix[`${codes.length === 0 ? "passes" : "refused"}, ${said === null ? "starts" : "fails"}`]++;
    const state = `${codes.join(" ") || "passes"}; QEMU ${said === null ? "starts" : `says: ${said.split("\n")[0]?.slice(0, 200)}`}`;
    process.stdout.write(`# ${one.name}: ${state} (${Date.now() - started} ms)\n`);
    problems.push(...problemsOf(one, codes, said).map((problem) => `${one.name}: ${problem}\n${texts.join("\n")}`));
  }
  const soft = await driver.judge({ ...(preflightCases(0)[1] as Case), keepsSoft: true });
  await driver.stop();
  process.stdout.write(`# confusion matrix: ${JSON.stringify(matrix)}\n`);
  assert.deepEqual(problems, []);
  assert.match(soft.said ?? "", /Cannot allocate memory/, "without the soft limit raised, QEMU fails");
  assert.match(soft.texts.join("\n"), /The soft memlock limit, 8 MiB, is raised/);
});

function problemsOf({ code }: Case, codes: readonly string[], said: string | null): readonly string[] {
  if (code === undefined) {
    return [
      ...(codes.length === 0 ? [] : [`a false alarm: ${codes.join(" ")}`]),
      ...(said === null ? [] : [`QEMU failed: ${said}`]),
    ];
  }
  return [
    ...(codes.includes(code) ? [] : [`expected ${code}, found ${codes.join(" ") || "nothing"}`]),
    ...(said === null ? ["QEMU started"] : []),
  ];
}
