// SPDX-License-Identifier: Apache-2.0

import { styleText } from "node:util";
import { type Lab, startLab } from "../lab.ts";
import { describeError } from "../lab-error.ts";
import { type Narrator, Stage } from "../story/stage.ts";
import { story } from "../story/story.ts";

const isColoured = process.stdout.isTTY === true && !process.env["NO_COLOR"];
const paint = (style: Parameters<typeof styleText>[0], text: string) => (isColoured ? styleText(style, text) : text);
const say = (text: string) => process.stdout.write(`${text}\n`);

const narrator: Narrator = {
  tell: (text) => say(paint("italic", text)),
  command: (user, line) =>
    say(`${paint(user === "root" ? "red" : "green", `${user}${user === "root" ? "#" : "$"}`)} ${paint("bold", line)}`),
  output: (line) => say(`  ${line}`),
};

/** Plays the whole story for an audience. @returns the exit status: 0 only if every step did what it should. */
async function main(): Promise<number> {
  const started = Date.now();
  say(paint("bold", "hostdev: a PCI device, lent to an ordinary user's virtual machine\n"));
  say(
    "All of this happens in the lab: a Debian machine with an emulated IOMMU, under QEMU, on your machine, without privilege there.",
  );
  let lab: Lab | undefined;
  try {
    lab = await startLab({ report: (line) => say(paint("dim", `lab: ${line}`)) });
    say(
      paint(
        "dim",
        `lab: booted in ${(lab.bootMs / 1000).toFixed(1)} s; emulated, so everything takes some ten times as long`,
      ),
    );
    const stage = new Stage(lab, narrator);
    for (const [index, chapter] of story.entries()) {
      say(`\n${paint("bold", `${index}. ${chapter.title}`)}\n`);
      await chapter.play(stage);
    }
    await lab.stop();
    say(`\n${paint("green", "Every step did what it should")}, in ${Math.round((Date.now() - started) / 1000)} s.`);
    say("Play with it yourself: npm run lab        On your own machine: see README.md");
    return 0;
  } catch (error) {
    say(`\n${paint("red", "The story went wrong:")} ${describeError(error)}`);
    await lab?.stop({ keepLog: true });
    return 1;
  }
}

process.exitCode = await main();
