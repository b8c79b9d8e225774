// SPDX-License-Identifier: Apache-2.0

/** `<cpu>`: which processor the guest sees, how many of what, and its NUMA nodes. */
import { attribute, child, content, type Infer, leaf, list, object, required } from "../xml/schema.ts";
import { sizeAttribute } from "../xml/sizes.ts";
import { integer, matching, oneOf, onOff, someText, yesNo } from "../xml/values.ts";
import { nodeSet } from "./node-set.ts";

const cell = object({
  id: attribute("id", integer(0, 1023)),
  cpus: attribute("cpus", nodeSet),
  memoryKiB: required(sizeAttribute("memory")),
  memAccess: attribute("memAccess", oneOf("shared", "private")),
  discard: attribute("discard", yesNo),
  distances: child(
    "distances",
    object({
      siblings: list(
        "sibling",
        object({
          id: required(attribute("id", integer(0, 1023))),
          value: required(attribute("value", integer(10, 255))),
        }),
      ),
    }),
  ),
});

/** `<cpu>`. */
export const cpu = object({
  mode: attribute("mode", oneOf("custom", "host-model", "host-passthrough", "maximum")),
  match: attribute("match", oneOf("exact", "strict", "minimum")),
  check: attribute("check", oneOf("none", "partial", "full")),
  migratable: attribute("migratable", onOff),
  model: child(
    "model",
    object({
      fallback: attribute("fallback", oneOf("allow", "forbid")),
      vendorId: attribute("vendor_id", matching(/^[^,]{12}$/, "12 characters without a comma")),
      name: content(matching(/^[A-Za-z0-9_.-]{1,64}$/, "a name such as Haswell or EPYC-Rome")),
    }),
  ),
  vendor: leaf("vendor", someText),
  topology: child(
    "topology",
    object({
      sockets: required(attribute("sockets", integer(1))),
      dies: attribute("dies", integer(1)),
      clusters: attribute("clusters", integer(1)),
      cores: required(attribute("cores", integer(1))),
      threads: required(attribute("threads", integer(1))),
    }),
  ),
  cache: child(
    "cache",
    object({
      level: attribute("level", integer(1, 3)),
      mode: required(attribute("mode", oneOf("emulate", "passthrough", "disable"))),
    }),
  ),
  maxPhysAddr: child(
    "maxphysaddr",
    object({
      mode: required(attribute("mode", oneOf("emulate", "passthrough"))),
      bits: attribute("bits", integer(32, 64)),
      limit: attribute("limit", integer(32, 64)),
    }),
  ),
  features: list(
    "feature",
    object({
      policy: attribute("policy", oneOf("force", "require", "optional", "disable", "forbid")),
      name: required(attribute("name", matching(/^[A-Za-z0-9_.-]{1,64}$/, "a name such as vmx or ssse3"))),
    }),
  ),
  numa: child("numa", object({ cells: list("cell", cell) })),
});

export type Cpu = Infer<typeof cpu>;
export type NumaCell = Infer<typeof cell>;
