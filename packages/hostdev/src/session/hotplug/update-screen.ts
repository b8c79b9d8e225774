// SPDX-License-Identifier: Apache-2.0
import { type Graphics, graphics } from "../../domain/devices/graphics.ts";
import type { Domain } from "../../domain/domain.ts";
import { passwordCommands } from "../../qemu/start-commands.ts";
import { unsupported } from "../../xml/complaint.ts";
import { readXml, type XmlElement } from "../../xml/reader.ts";
import type { LiveVm } from "../live-vm.ts";
import { noGuestDevice } from "../session-errors.ts";
import { assertSame } from "./assert-same.ts";

/** What is not of the screen itself, and can change. */
const changeable = ["passwd", "passwdValidTo", "connected"] as const;

/** The XML of one device, if it is a screen. @throws {HostdevError} as the reader of a domain. */
export function readScreen(xml: string): Graphics | undefined {
  const root: XmlElement = readXml(xml);
  return root.name === "graphics" ? graphics.read(root, "domain/devices") : undefined;
}

/**
 * Changes the password of a running guest's screen, which QEMU asks those for who connect from now on.
 *
 * @throws {HostdevError} `HD_NO_GUEST_DEVICE`; `HD_DOMAIN_UNSUPPORTED` for anything else that is to change;
 * `HD_QMP_COMMAND`, as when the screen had no password at its start.
 */
export async function updateScreen(vm: LiveVm, wanted: Graphics): Promise<void> {
  const present = findScreen(vm.domain, wanted);
  if ((present.type !== "vnc" && present.type !== "spice") || present.type !== wanted.type)
    throw unsupported(wanted, "it cannot be changed while the guest runs", "a screen of type vnc or spice");
  // What is left to us is as it is.
  const [listen] = wanted.listens;
  const isLeftToUs = listen?.type === "address" && listen.address === undefined;
  const port = (wanted.port ?? -1) === -1 ? undefined : wanted.port;
  const same = { ...wanted, port, autoport: undefined, listens: isLeftToUs ? [] : wanted.listens };
  assertSame(wanted, same, present, changeable, "the password of a screen");
  if (wanted.passwd === undefined && present.passwd !== undefined)
    throw unsupported(wanted, "its password cannot be taken away while the guest runs", "another password");
  for (const { execute, arguments: given } of passwordCommands(wanted)) await vm.process.execute(execute, given);
  for (const key of changeable) {
    if (wanted[key] === undefined) delete present[key];
    else Object.assign(present, { [key]: wanted[key] });
  }
}

/** The definition's screen of that type is replaced. @throws {HostdevError} `HD_NO_GUEST_DEVICE`. */
export function replaceScreen(domain: Domain, wanted: Graphics): void {
  const all = domain.devices.graphics;
  all[all.indexOf(findScreen(domain, wanted))] = wanted;
}

function findScreen({ name, devices }: Domain, { type }: Graphics): Graphics {
  const found = devices.graphics.find((screen) => screen.type === type);
  if (found === undefined) throw noGuestDevice(name, `screen of type ${type}`);
  return found;
}
