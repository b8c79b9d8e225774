// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";
import { tryParsePciAddress } from "./address.ts";
import type { ConfigSpace } from "./config-space.ts";
import { decodeExpress, isExpress } from "./express.ts";
import { pciDevices, readLinkName } from "./sysfs.ts";

/** What a bridge is, for the question what it keeps apart. */
export interface Bridge {
  readonly address: string;
  /** The ports are PCI Express's; what is behind the two PCI bridges shares one bus, and one requester id. */
  readonly kind: "root-port" | "upstream-port" | "downstream-port" | "pcie-to-pci-bridge" | "pci-bridge";
  /** `likely`: concluded from its place and its children, without its config space. */
  readonly certainty: "seen" | "likely";
}

/** Whether what is behind it is a conventional bus. Pure. */
export function isConventional({ kind }: Bridge): boolean {
  return kind === "pcie-to-pci-bridge" || kind === "pci-bridge";
}

/**
 * Finds out what a bridge is.
 *
 * Touches: reads `/sys/bus/pci/devices/<address>/`. Needs: nothing; a config space read by root makes it certain.
 * @param config its config space, as far as it could be read.
 * @param above the bridge that it is behind; `undefined` on a root bus.
 */
export function readBridge(
  host: Host,
  address: string,
  config: ConfigSpace | undefined,
  above: Bridge | undefined,
): Bridge {
  if (config?.complete === true && config.responds) {
    return { address, kind: kindOf(decodeExpress(config)?.portType, above), certainty: "seen" };
  }
  // The kernel's port driver takes ports only (pcie_portdrv_probe, drivers/pci/pcie/portdrv.c).
  if (readLinkName(host, `${pciDevices}/${address}/driver`) === "pcieport") {
    return { address, kind: portBelow(above), certainty: "seen" };
  }
  if (!isExpress(host, address)) return { address, kind: "pci-bridge", certainty: "seen" };
  const children = (host.list(`${pciDevices}/${address}`) ?? []).filter(
    (name) => tryParsePciAddress(name) !== undefined,
  );
  const isPort = above === undefined || children.some((child) => isExpress(host, child));
  return { address, kind: isPort ? portBelow(above) : "pcie-to-pci-bridge", certainty: "likely" };
}

function kindOf(portType: string | undefined, above: Bridge | undefined): Bridge["kind"] {
  switch (portType) {
    case undefined:
    case "pci-to-pcie-bridge": // the side that leads to the root is conventional
      return "pci-bridge";
    case "root-port":
    case "upstream-port":
    case "downstream-port":
    case "pcie-to-pci-bridge":
      return portType;
    default:
      return portBelow(above);
  }
}

/** Root ports are on root buses; a switch has one upstream port, with downstream ports behind it. */
function portBelow(above: Bridge | undefined): Bridge["kind"] {
  if (above === undefined) return "root-port";
  return above.kind === "upstream-port" ? "downstream-port" : "upstream-port";
}
