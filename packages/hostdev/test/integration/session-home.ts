// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { realHost } from "../../src/core/real-host.ts";
import { openSession } from "../../src/session/open-session.ts";
import type { Session } from "../../src/session/session-api.ts";

/** A home of its own for a test; what is open or runs at its end is ended. */
export function home(context: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), "hd-s-"));
  for (const name of ["XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"]) process.env[name] = directory;
  const opened: Session[] = [];
  const open = async () => {
    const session = await openSession(realHost());
    opened.push(session);
    return session;
  };
  context.after(async () => {
    for (const session of opened) await session.close();
    const last = await openSession(realHost());
    for (const domain of last.list()) if (domain.isActive) await domain.destroy();
    await last.close();
    rmSync(directory, { recursive: true });
  });
  return { directory, open };
}
