// SPDX-License-Identifier: Apache-2.0
import {
  attribute,
  child,
  childAttribute,
  flag,
  type Infer,
  list,
  object,
  required,
  variants,
} from "../../xml/schema.ts";
import { integer, oneOf, onOff, path, someText } from "../../xml/values.ts";
import { deviceInfo, virtioModels, virtioOptions } from "./device-info.ts";

const range = object({
  start: required(attribute("start", integer(0))),
  target: required(attribute("target", integer(0))),
  count: required(attribute("count", integer(1))),
});

/** `<filesystem>`: a folder of the host in the guest, by 9p or virtiofs. */
export const filesystem = variants(
  "type",
  {
    mount: {
      accessmode: attribute("accessmode", oneOf("passthrough", "mapped", "squash")),
      multidevs: attribute("multidevs", oneOf("default", "remap", "forbid", "warn")),
      fmode: attribute("fmode", someText),
      dmode: attribute("dmode", someText),
      model: attribute("model", oneOf(...virtioModels)),
      driver: child(
        "driver",
        object({
          type: attribute("type", oneOf("path", "virtiofs")),
          wrpolicy: attribute("wrpolicy", oneOf("immediate")),
          queue: attribute("queue", integer(1, 65535)),
          ...virtioOptions,
        }),
      ),
      binary: child(
        "binary",
        object({
          path: attribute("path", path),
          xattr: attribute("xattr", onOff),
          cacheMode: childAttribute("cache", "mode", oneOf("none", "always")),
          sandboxMode: childAttribute("sandbox", "mode", oneOf("namespace", "chroot")),
          threadPoolSize: childAttribute("thread_pool", "size", integer(0)),
        }),
      ),
      idmap: child("idmap", object({ uids: list("uid", range), gids: list("gid", range) })),
      source: required(child("source", object({ dir: attribute("dir", path), socket: attribute("socket", path) }))),
      target: required(child("target", object({ dir: required(attribute("dir", someText)) }))),
      readonly: flag("readonly"),
      ...deviceInfo,
    },
  },
  "mount",
);

export type Filesystem = Infer<typeof filesystem>;
