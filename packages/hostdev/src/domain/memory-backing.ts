// SPDX-License-Identifier: Apache-2.0

/** `<memoryBacking>` and `<numatune>`: what the guest's memory is made of, and where on the host. */
import { attribute, child, childAttribute, flag, type Infer, list, object, required } from "../xml/schema.ts";
import { sizeAttribute } from "../xml/sizes.ts";
import { integer, oneOf } from "../xml/values.ts";
import { nodeSet } from "./node-set.ts";

/** `<memoryBacking>`. */
export const memoryBacking = object({
  hugepages: child(
    "hugepages",
    object({
      pages: list("page", object({ sizeKiB: required(sizeAttribute("size")), nodes: attribute("nodeset", nodeSet) })),
    }),
  ),
  nosharepages: flag("nosharepages"),
  locked: flag("locked"),
  source: childAttribute("source", "type", oneOf("file", "anonymous", "memfd")),
  access: childAttribute("access", "mode", oneOf("shared", "private")),
  allocation: child(
    "allocation",
    object({
      mode: attribute("mode", oneOf("immediate", "ondemand")),
      threads: attribute("threads", integer(1, 1024)),
    }),
  ),
  discard: flag("discard"),
});
export type MemoryBacking = Infer<typeof memoryBacking>;

const mode = attribute("mode", oneOf("strict", "preferred", "interleave", "restrictive"));

/** `<numatune>`. */
export const numatune = object({
  memory: child(
    "memory",
    object({ mode, nodes: attribute("nodeset", nodeSet), placement: attribute("placement", oneOf("static", "auto")) }),
  ),
  memnodes: list(
    "memnode",
    object({
      cellId: required(attribute("cellid", integer(0, 1023))),
      mode,
      nodes: required(attribute("nodeset", nodeSet)),
    }),
  ),
});
export type Numatune = Infer<typeof numatune>;
