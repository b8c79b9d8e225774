// SPDX-License-Identifier: Apache-2.0
import type { Domain } from "../domain/domain.ts";
import { formatDomain } from "../domain/parse.ts";

/**
 * A domain's XML for its user.
 *
 * @param id of a running domain, for its live XML; `undefined` for a definition.
 * @param secure with passwords.
 */
export function domainXml(domain: Domain, id: number | undefined, secure: boolean): string {
  const shown = secure ? domain : withoutSecrets(domain);
  return id === undefined ? formatDomain(shown) : formatDomain({ ...shown, id }, "live");
}

function withoutSecrets(domain: Domain): Domain {
  const graphics = domain.devices.graphics.map((screen) => {
    if (screen.type !== "vnc" && screen.type !== "spice") return screen;
    const { passwd: _, passwdValidTo: __, connected: ___, ...rest } = screen;
    return rest as typeof screen;
  });
  return { ...domain, devices: { ...domain.devices, graphics } };
}
