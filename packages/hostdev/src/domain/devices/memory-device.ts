// SPDX-License-Identifier: Apache-2.0

/** `<memory>` inside `<devices>`: memory modules, persistent memory, memory that grows and shrinks. */
import {
  attribute,
  child,
  childAttribute,
  type Fields,
  flag,
  type Infer,
  leaf,
  object,
  required,
  variants,
} from "../../xml/schema.ts";
import { size } from "../../xml/sizes.ts";
import { cNumber, integer, oneOf, path, yesNo } from "../../xml/values.ts";
import { nodeSet } from "../node-set.ts";
import { deviceInfo } from "./device-info.ts";

const access = attribute("access", oneOf("shared", "private"));
const discard = attribute("discard", yesNo);
const ramSource = child("source", object({ nodes: leaf("nodemask", nodeSet), pageSizeKiB: child("pagesize", size()) }));
const sizeKiB = required(child("size", size()));
const node = leaf("node", integer(0));
const base = childAttribute("address", "base", cNumber(0, Number.MAX_SAFE_INTEGER, 1));

/** `<memory>` among the devices. */
export const memoryDevice = variants("model", {
  dimm: {
    access,
    discard,
    source: ramSource,
    target: required(child("target", object({ sizeKiB, node }))),
    ...deviceInfo,
  },
  nvdimm: {
    access,
    discard,
    source: required(
      child(
        "source",
        object({ path: required(leaf("path", path)), alignSizeKiB: child("alignsize", size()), pmem: flag("pmem") }),
      ),
    ),
    target: required(
      child(
        "target",
        object({
          sizeKiB,
          node,
          label: child("label", object({ sizeKiB: required(child("size", size())) })),
          readonly: flag("readonly"),
        }),
      ),
    ),
    ...deviceInfo,
  },
  "virtio-mem": {
    access,
    discard,
    source: ramSource,
    target: required(
      child(
        "target",
        object({
          dynamicMemslots: attribute("dynamicMemslots", yesNo),
          sizeKiB,
          node,
          blockKiB: required(child("block", size())),
          requestedKiB: required(child("requested", size())),
          base,
        }),
      ),
    ),
    ...deviceInfo,
  },
  "virtio-pmem": {
    access,
    discard,
    source: required(child("source", object({ path: required(leaf("path", path)) }))),
    target: required(child("target", object({ sizeKiB, base }))),
    ...deviceInfo,
  },
} satisfies Record<string, Fields>);

export type MemoryDevice = Infer<typeof memoryDevice>;
