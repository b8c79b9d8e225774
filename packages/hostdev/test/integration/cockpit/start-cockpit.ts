// SPDX-License-Identifier: Apache-2.0

import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { type TestUser, until } from "../programs.ts";
import { startSessionBus } from "../unpacked-programs.ts";

/** Starts cockpit's web server for a user who is logged in already, for this machine only; gives the page for VMs. */
export async function startCockpit(user: TestUser): Promise<{ readonly url: string }> {
  const { programs } = await startSessionBus(user);
  // The bridge sets HOME to the login's: what virt-xml keeps of its runs stays in the test's folder nevertheless.
  for (const name of ["cache", "config"])
    user.variables[`XDG_${name.toUpperCase()}_HOME`] = join(user.folder, "home", name);
  const port = await freePort();
  const server = user.start(join(programs, "usr/lib/cockpit/cockpit-ws"), [
    "--no-tls",
    "--address=127.0.0.1",
    `--port=${port}`,
    `--local-session=${join(programs, "usr/bin/cockpit-bridge")}`,
  ]);
  const url = `http://127.0.0.1:${port}/cockpit/@localhost/machines/index.html`;
  const isServing = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(isServing, server);
  return { url };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
