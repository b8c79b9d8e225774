// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import { invalid } from "../../xml/complaint.ts";
import { raw } from "../../xml/raw.ts";
import { readXml } from "../../xml/reader.ts";
import { attribute, child, childAttribute, flag, type Infer, leaf, object, required } from "../../xml/schema.ts";
import { byteSize } from "../../xml/sizes.ts";
import { anyText, oneOf, path, someText } from "../../xml/values.ts";
import { writeXml } from "../../xml/writer.ts";
import { element, textElement } from "../machine/xml-elements.ts";
import { permissions, permissionsElement } from "./permissions.ts";
import { invalidState, unsupportedStorage } from "./storage-errors.ts";
import type { Volume } from "./volume.ts";

const format = childAttribute("format", "type", someText);

/** `<volume>` as a wish. What only a volume that is there has (key, path, times) is read and forgotten. */
const schema = object({
  type: attribute("type", oneOf("file")),
  name: required(leaf("name", someText)),
  key: leaf("key", anyText),
  capacity: child("capacity", byteSize),
  allocation: child("allocation", byteSize),
  physical: child("physical", byteSize),
  source: child("source", object({})),
  target: child(
    "target",
    object({
      path: leaf("path", anyText),
      format,
      permissions,
      timestamps: child("timestamps", raw),
      compat: leaf("compat", oneOf("0.10", "1.1")),
      clusterSize: child("clusterSize", byteSize),
      features: child("features", object({ lazyRefcounts: flag("lazy_refcounts") })),
      nocow: flag("nocow"),
    }),
  ),
  backingStore: child(
    "backingStore",
    object({ path: leaf("path", path), format, permissions, timestamps: child("timestamps", raw) }),
  ),
});

/** Formats in which volumes are made. */
export const madeFormats = ["raw", "qcow2"] as const;

/** An image that is to be made. */
export interface VolumeRequest {
  readonly name: string;
  /** `undefined`: as the original's. */
  readonly capacity: bigint | undefined;
  readonly allocation: bigint | undefined;
  readonly format: (typeof madeFormats)[number];
  readonly mode: number;
  readonly backing: { readonly path: string; readonly format: string | undefined } | undefined;
  /** qcow2's version, and its other options; `undefined` for the usual ones. */
  readonly compat: string | undefined;
  readonly clusterSize: bigint | undefined;
  readonly lazyRefcounts: boolean;
  readonly nocow: boolean;
}

/**
 * Reads the XML of a volume to be made. Pure.
 *
 * @throws {HostdevError} `HD_XML_*`, `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED`; `HD_LIBVIRT_ERROR` for a format that
 * is not made here, and for a name that would leave the pool's folder.
 */
export function parseVolume(text: string): VolumeRequest {
  const root = readXml(text);
  if (root.name !== "volume") {
    throw invalid({ path: root.name, position: root.position }, "the root element is not <volume>");
  }
  const { name, capacity, allocation, target, backingStore }: Infer<typeof schema> = schema.read(root, "");
  if (name.includes("/") || name === "." || name === "..")
    throw invalidState(`volume name '${name}' cannot contain '/'`);
  const asked = target?.format ?? "raw";
  const known = madeFormats.find((made) => made === asked);
  if (known === undefined) throw unsupportedStorage(`unknown volume format type ${asked}`);
  const base = backingStore?.path === undefined ? undefined : { path: backingStore.path, format: backingStore.format };
  if (base !== undefined && known !== "qcow2") throw unsupportedStorage("a raw volume cannot have a backing store");
  return {
    name,
    capacity,
    allocation,
    format: known,
    mode: target?.permissions?.mode ?? 0o600,
    backing: base,
    compat: target?.compat,
    clusterSize: target?.clusterSize,
    lazyRefcounts: target?.features?.lazyRefcounts ?? false,
    nocow: target?.nocow ?? false,
  };
}

/** Writes a volume as libvirt does. Pure. */
export function formatVolume({ path, kind, format: type, ...volume }: Volume): string {
  const { capacity, allocation, physical, mode, uid, gid, times, backing } = volume;
  return writeXml(
    element("volume", { type: kind }, [
      textElement("name", posix.basename(path)),
      textElement("key", path),
      byteSize.write(capacity, "capacity"),
      byteSize.write(allocation, "allocation"),
      byteSize.write(physical, "physical"),
      element("target", {}, [
        textElement("path", path),
        element("format", { type }),
        permissionsElement({ mode, uid, gid }),
        element("timestamps", {}, [
          textElement("atime", times.read),
          textElement("mtime", times.written),
          textElement("ctime", times.changed),
        ]),
      ]),
      ...(backing === undefined
        ? []
        : [
            element("backingStore", {}, [
              textElement("path", backing.path),
              ...(backing.format === undefined ? [] : [element("format", { type: backing.format })]),
            ]),
          ]),
    ]),
  );
}
