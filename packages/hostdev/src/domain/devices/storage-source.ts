// SPDX-License-Identifier: Apache-2.0

/** Where a disk's data is: `<source>` in its kinds, shared by disks, backing chains and NVRAM. */
import {
  attribute,
  child,
  childAttribute,
  type Fields,
  fallback,
  type Infer,
  list,
  object,
  required,
  type Shape,
  variants,
} from "../../xml/schema.ts";
import { anyText, integer, oneOf, path, someText, yesNo } from "../../xml/values.ts";
import { deviceLabel } from "../security-label.ts";
import { pciAddressFields } from "./address.ts";

const deviceLabels = list("seclabel", deviceLabel);

/** `<reconnect>` of a socket that QEMU connects to. */
export const reconnect = child(
  "reconnect",
  object({ enabled: required(attribute("enabled", yesNo)), timeoutSeconds: attribute("timeout", integer(1)) }),
);

const startupPolicy = attribute("startupPolicy", oneOf("mandatory", "requisite", "optional"));
const index = attribute("index", integer(1));

const host = object({
  transport: attribute("transport", oneOf("tcp", "unix")),
  name: attribute("name", someText),
  port: attribute("port", integer(0, 65535)),
  socket: attribute("socket", path),
});

/** `<source>` of a file. */
export const fileSource = object({ file: attribute("file", someText), startupPolicy, index, labels: deviceLabels });
/** `<source>` of a block device. */
export const blockSource = object({ dev: attribute("dev", someText), startupPolicy, index, labels: deviceLabels });
/** `<source>` of a folder. */
export const dirSource = object({ dir: required(attribute("dir", path)), startupPolicy, index, labels: deviceLabels });
const remote = { name: attribute("name", anyText), index, hosts: list("host", host) } satisfies Fields;
const web = {
  name: attribute("name", anyText),
  query: attribute("query", anyText),
  index,
  hosts: list("host", host),
  sslVerify: childAttribute("ssl", "verify", yesNo),
  readaheadBytes: childAttribute("readahead", "size", integer(1)),
  timeoutSeconds: childAttribute("timeout", "seconds", integer(1)),
  labels: deviceLabels,
} satisfies Fields;

/** `<source>` of a disk that another machine has. */
export const networkSource = variants("protocol", {
  nbd: { ...remote, labels: deviceLabels },
  http: web,
  https: web,
  ftp: web,
  ftps: web,
  iscsi: {
    ...remote,
    initiator: child("initiator", object({ iqn: childAttribute("iqn", "name", someText) })),
    labels: deviceLabels,
  },
  rbd: {
    ...remote,
    snapshot: childAttribute("snapshot", "name", someText),
    config: childAttribute("config", "file", path),
    labels: deviceLabels,
  },
});
/** `<source>` of a namespace of an NVMe device that QEMU drives itself. */
export const nvmeSource = object({
  type: required(attribute("type", oneOf("pci"))),
  managed: attribute("managed", yesNo),
  namespace: required(attribute("namespace", integer(1))),
  index,
  address: required(
    child("address", object({ type: fallback(attribute("type", oneOf("pci")), "pci"), ...pciAddressFields })),
  ),
});
/** `<source>` of a disk that another program serves. */
export const vhostUserSource = object({
  type: required(attribute("type", oneOf("unix"))),
  path: required(attribute("path", path)),
  index,
  reconnect,
});

/** The kinds of storage, with the `<source>` of each. */
export const storageSources = {
  file: { source: child("source", fileSource) },
  block: { source: child("source", blockSource) },
  dir: { source: child("source", dirSource) },
  network: { source: child("source", networkSource) },
  nvme: { source: child("source", nvmeSource) },
  vhostuser: { source: child("source", vhostUserSource) },
} satisfies Record<string, Fields>;

export type StorageType = keyof typeof storageSources;
/** A kind of storage with its source, whatever element it stands in. */
export type Storage = { [K in StorageType]: { type: K } & Shape<(typeof storageSources)[K]> }[StorageType];
export type NetworkSource = Infer<typeof networkSource>;
