// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { diffSnapshots, type Snapshot, takeSnapshot } from "../snapshot.ts";
import { forbidden } from "./forbidden.ts";
import { holdingAMate } from "./holding-a-mate.ts";
import { lending } from "./lending.ts";
import { checking, looking, refused } from "./looking.ts";
import { returning } from "./returning.ts";
import { running } from "./running.ts";
import type { Chapter } from "./stage.ts";

let before: Snapshot | undefined;

/** Not told, but the base of the last chapter. */
const remembering: Chapter = {
  title: "The machine as it is: drivers, overrides, nodes, modules, limits, /etc",
  async play(stage) {
    before = await takeSnapshot(stage.lab);
    stage.tell(`${before.size} facts remembered`);
  },
};

/** 9: everything is as it was. */
const nothingLeft: Chapter = {
  title: "Is everything as it was before?",
  async play(stage) {
    assert.ok(before !== undefined);
    const after = await takeSnapshot(stage.lab);
    assert.deepEqual(diffSnapshots(before, after), []);
    stage.tell(`${after.size} facts compared: no difference.`);
  },
};

/** The story that the demo tells and the tests check. Chapters build on those before them. */
export const story: readonly Chapter[] = [
  remembering,
  looking,
  checking,
  refused,
  lending,
  running,
  returning,
  holdingAMate,
  forbidden,
  nothingLeft,
];
