// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from "node:child_process";
import type { TestUser } from "./programs.ts";

/** A screen and a message bus for graphical programs of a user, which nobody else sees. */
export interface Screen {
  /** Starts a program on it. */
  start(command: string, args: readonly string[]): { readonly child: ChildProcess; readonly said: () => string };
  /** Waits until there is a window whose title matches. @returns whether there is. */
  hasWindow(title: string): boolean;
}

/** Makes a screen (Xvfb) and a bus; both end with the user. */
export async function openScreen(user: TestUser): Promise<Screen> {
  const server = user.start("Xvfb", ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
  const bus = user.start("dbus-daemon", ["--session", "--nofork", "--print-address=1"]);
  const [display, address] = await Promise.all([firstLine(server), firstLine(bus)]);
  // Without accessibility: its bus would outlive the test.
  const environment = [`DISPLAY=:${display}`, `DBUS_SESSION_BUS_ADDRESS=${address}`, "NO_AT_BRIDGE=1", "GTK_A11Y=none"];
  return {
    start: (command, args) => user.start("env", [...environment, command, ...args]),
    hasWindow: (title) => {
      const search = ["xdotool", "search", "--sync", "--onlyvisible", "--name", title];
      return user.run("timeout", ["30", "env", ...environment, ...search]).status === 0;
    },
  };
}

function firstLine({ child, said }: ReturnType<TestUser["start"]>): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.split("\n")[0] ?? "");
    });
    child.once("exit", () => reject(new Error(`${child.spawnargs.join(" ")} ended: ${said()}`)));
  });
}
