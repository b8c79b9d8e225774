// SPDX-License-Identifier: Apache-2.0

import { labScenario } from "../src/scenario.ts";
import { Stage } from "../src/story/stage.ts";
import { story } from "../src/story/story.ts";

const { section } = labScenario();
const nobody = { tell: () => {}, command: () => {}, output: () => {} };

for (const chapter of story) {
  section(`story: ${chapter.title}`, (lab) => chapter.play(new Stage(lab, nobody)));
}
