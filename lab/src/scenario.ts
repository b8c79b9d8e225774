// SPDX-License-Identifier: Apache-2.0

import { after, test } from "node:test";
import { type Lab, type LabOptions, startLab } from "./lab.ts";
import { describeError } from "./lab-error.ts";
import { openShell } from "./shell.ts";

/** Which lab a scenario needs, and whether it can run. */
export interface ScenarioOptions extends LabOptions {
  /** Why it cannot run on this host; no lab is started then. */
  readonly skip?: string | false;
}

/** The sections of one scenario file, which share one boot. */
export interface Scenario {
  /**
   * A section: a node:test test that gets the running lab. It must leave the lab as it found it.
   *
   * When it fails under `npm run lab -- NAME --sit`, a root shell in the lab opens before the next section starts.
   */
  section(name: string, run: (lab: Lab) => Promise<void>): void;
}

/**
 * Declares a scenario: the lab boots when the first section runs and stops after the last one.
 *
 * @example
 * const { section } = labScenario({ topology: smallZoo });
 * section("alex is nobody special", async (lab) => {
 *   assert.equal((await lab.alex("cat /dev/vda")).code, 1);
 * });
 */
export function labScenario({ skip = false, ...options }: ScenarioOptions = {}): Scenario {
  let starting: Promise<Lab> | undefined;
  let failed = false;
  const lab = () => {
    starting ??= startLab(options);
    return starting;
  };
  after(async () => {
    const running = await starting?.catch(() => undefined);
    await running?.stop({ keepLog: failed });
  });
  return {
    section(name, run) {
      test(name, { skip }, async () => {
        const running = await lab();
        try {
          await run(running);
        } catch (error) {
          failed = true;
          await sit(running, name, error);
          throw error;
        }
      });
    },
  };
}

async function sit(lab: Lab, name: string, error: unknown): Promise<void> {
  if (process.env["HOSTDEV_LAB_SIT"] !== "1" || !process.stdin.isTTY) return;
  process.stdout.write(`\n"${name}" failed: ${describeError(error)}\n`);
  await openShell(lab, "root");
}
