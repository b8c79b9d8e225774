// SPDX-License-Identifier: Apache-2.0

/** Disks that are reached over a network, as properties of their protocol node. */
import type { NetworkSource } from "../../domain/devices/storage-source.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import type { Properties } from "./options.ts";

const usualPorts = { nbd: 10809, http: 80, https: 443, ftp: 21, ftps: 990, iscsi: 3260 } as const;

/** The protocol node of a network disk. libvirt: qemuBlockStorageSourceGetBackendProps. */
export function networkProperties(source: NetworkSource): Properties {
  if (source.protocol === "rbd") return rbdProperties(source);
  const { protocol, name = "", hosts } = source;
  const [host, second] = hosts;
  if (host === undefined) throw invalid(source, `a disk by ${protocol} needs a <host>`);
  if (second !== undefined) throw invalid(source, `${protocol} takes one <host>, not ${hosts.length}`);
  const port = String(host.port ?? usualPorts[protocol]);
  if (protocol === "nbd") {
    const isUnix = host.transport === "unix";
    const server = isUnix ? { type: "unix", path: host.socket } : { type: "inet", host: host.name, port };
    return { driver: "nbd", server, export: name === "" ? undefined : name };
  }
  if (host.name === undefined || host.transport === "unix") {
    throw unsupported(source, `a disk by ${protocol} is reached by TCP`, "<host name='...' port='...'/>");
  }
  const authority = `${bracketed(host.name)}:${port}`;
  if (protocol === "iscsi") {
    const [target = "", lun = "0"] = name.split("/");
    if (!/^\d+$/.test(lun)) throw invalid(source, `the LUN in ${JSON.stringify(name)} is not a number`);
    const initiator = source.initiator?.iqn;
    return {
      driver: "iscsi",
      portal: authority,
      target,
      lun: Number(lun),
      transport: "tcp",
      "initiator-name": initiator,
    };
  }
  const path = name.startsWith("/") ? name : `/${name}`;
  const query = source.query === undefined ? "" : `?${source.query}`;
  return {
    driver: protocol,
    url: `${protocol}://${authority}${path}${query}`,
    sslverify: source.sslVerify,
    readahead: source.readaheadBytes,
    timeout: source.timeoutSeconds,
  };
}

function rbdProperties(source: Extract<NetworkSource, { protocol: "rbd" }>): Properties {
  const [pool = "", ...image] = (source.name ?? "").split("/");
  const server = source.hosts.map(({ name, port }) => ({
    host: name,
    port: port === undefined ? undefined : String(port),
  }));
  return {
    driver: "rbd",
    pool,
    image: image.join("/"),
    snapshot: source.snapshot,
    conf: source.config,
    server: server.length === 0 ? undefined : server,
  };
}

/** An IPv6 address in the brackets that URLs want. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
