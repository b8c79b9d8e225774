// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../../core/host.ts";
import { readAttribute } from "../../pci/sysfs.ts";
import { writeXml, type XmlOutput } from "../../xml/writer.ts";
import { element } from "./xml-elements.ts";

/** A network interface of the host, as far as libvirt's list has it. */
export interface HostInterface {
  readonly name: string;
  readonly mac: string;
  /** Whether the kernel calls it up; `lo` never is. */
  readonly isActive: boolean;
}

const network = "/sys/class/net";

/**
 * The host's network interfaces; as in libvirt's udev driver without the ports of a bridge or bond, which are part of that
 * one, and without those of other guests (taps).
 *
 * Touches: reads `/sys/class/net`. Needs: nothing.
 */
export function readHostInterfaces(host: Host): readonly HostInterface[] {
  return (host.list(network) ?? []).flatMap((name) => {
    const found = readInterface(host, name);
    const isPart = ["master", "tun_flags"].some((file) => host.status(`${network}/${name}/${file}`) !== undefined);
    return found === undefined || isPart ? [] : [found];
  });
}

/** One interface by its name, ports too; `undefined` when there is none. */
export function readInterface(host: Host, name: string): HostInterface | undefined {
  if (!(host.list(network) ?? []).includes(name)) return undefined;
  const mac = readAttribute(host, `${network}/${name}/address`);
  const isActive = readAttribute(host, `${network}/${name}/operstate`) === "up";
  return mac === undefined ? undefined : { name, mac, isActive };
}

/**
 * libvirt's XML of an interface: a bridge with its ports, or how a card's link is. What else an interface may be made
 * of (a bond, a VLAN) is not told: it is described as a card then.
 *
 * @see https://libvirt.org/formatinterface.html
 */
export function hostInterfaceXml(host: Host, { name }: HostInterface): string {
  const bridge = `${network}/${name}/bridge`;
  if (host.status(bridge) === undefined) return writeXml(card(host, name, mtuOf(host, name)));
  const ports = [...(host.list(`${network}/${name}/brif`) ?? [])].sort();
  return writeXml(
    element("interface", { type: "bridge", name }, [
      ...mtuOf(host, name),
      element(
        "bridge",
        {
          stp: readAttribute(host, `${bridge}/stp_state`) === "0" ? "off" : "on",
          delay: readAttribute(host, `${bridge}/forward_delay`),
        },
        ports.map((port) => card(host, port)),
      ),
    ]),
  );
}

/** Inside of a bridge without its MTU, which is the bridge's. */
function card(host: Host, name: string, mtu: readonly XmlOutput[] = []): XmlOutput {
  const attribute = (file: string) => readAttribute(host, `${network}/${name}/${file}`);
  const state = attribute("operstate");
  const speed = Number(state === "up" ? (attribute("speed") ?? 0) : 0); // drivers report nonsense when it is down
  return element("interface", { type: "ethernet", name }, [
    ...mtu,
    element("link", { speed: speed > 0 ? speed : undefined, state }),
    element("mac", { address: attribute("address") }),
  ]);
}

function mtuOf(host: Host, name: string): readonly XmlOutput[] {
  return [element("mtu", { size: readAttribute(host, `${network}/${name}/mtu`) })];
}
