// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import type { VmProcess } from "./vm-process.ts";

/**
 * Notes, in the domain, on which ports QEMU listens for its screens: those left to us are chosen at the start, and the
 * live XML says which they are, as libvirt's does. Other screens cost no question.
 *
 * @throws {HostdevError} as `VmProcess.execute`.
 */
export async function findScreens(domain: Domain, process: VmProcess): Promise<void> {
  for (const screen of domain.devices.graphics) {
    if (screen.type !== "vnc" && screen.type !== "spice") continue;
    const ports = [screen.port, screen.type === "vnc" ? screen.websocket : screen.tlsPort];
    if (screen.listens[0]?.type !== "address" || !ports.includes(-1)) continue;
    if (screen.type === "spice") {
      const { port, "tls-port": tlsPort } = await process.execute("query-spice");
      if (screen.port === -1) screen.port = port ?? -1;
      if (screen.tlsPort === -1) {
        if (tlsPort === undefined) delete screen.tlsPort;
        else screen.tlsPort = tlsPort;
      }
    } else {
      const servers = (await process.execute("query-vnc-servers")).flatMap(({ server }) => server);
      const portOf = (isWebsocket: boolean) =>
        Number(servers.find(({ websocket }) => (websocket === true) === isWebsocket)?.service ?? -1);
      if (screen.port === -1) screen.port = portOf(false);
      if (screen.websocket === -1) screen.websocket = portOf(true);
    }
  }
}
