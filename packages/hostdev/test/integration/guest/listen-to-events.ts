// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from "node:timers/promises";
import { virsh } from "../libvirt/run-virsh.ts";
import type { TestUser } from "../programs.ts";

/**
 * Starts `virsh event --all` for a user, until it tells of something.
 *
 * @param act a command whose event shows that it listens.
 * @returns what it has told since then, line by line.
 */
export async function listenToEvents(user: TestUser, act: string): Promise<() => readonly string[]> {
  const listener = ["--output=L", "virsh", "-c", "qemu:///session", "event", "--all", "--loop"];
  const { child } = user.start("stdbuf", listener);
  let heard = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    heard += chunk.toString();
  });
  for (let left = 50; left > 0 && heard === ""; left--) {
    virsh(user, act);
    await sleep(100);
  }
  if (heard === "") throw new Error("virsh event tells nothing");
  const first = heard.length;
  return () =>
    heard
      .slice(first)
      .split("\n")
      .filter((line) => line !== "");
}
