// SPDX-License-Identifier: Apache-2.0
import { posix } from "node:path";
import type { FileStatus } from "../../core/host.ts";
import { invalid } from "../../xml/complaint.ts";
import { readXml } from "../../xml/reader.ts";
import { attribute, child, type Infer, leaf, object, required } from "../../xml/schema.ts";
import { byteSize } from "../../xml/sizes.ts";
import { oneOf, path, someText, uuid } from "../../xml/values.ts";
import { writeXml } from "../../xml/writer.ts";
import { element, textElement } from "../machine/xml-elements.ts";
import { permissions, permissionsElement } from "./permissions.ts";
import { xmlError } from "./storage-errors.ts";

/** `<pool type='dir'>`. What libvirt only tells (sizes) is read and forgotten. */
const schema = object({
  type: required(attribute("type", oneOf("dir"))),
  name: required(leaf("name", someText)),
  uuid: leaf("uuid", uuid),
  capacity: child("capacity", byteSize),
  allocation: child("allocation", byteSize),
  available: child("available", byteSize),
  source: child("source", object({})),
  target: required(child("target", object({ path: required(leaf("path", path)), permissions }))),
});

/** A folder of images, as its owner has defined it. */
export interface PoolDefinition {
  readonly name: string;
  readonly uuid: string;
  /** The folder, without double slashes and dots. */
  readonly path: string;
  /** Mode of the folder when it is built. */
  readonly mode: number | undefined;
}

/** What a pool's file system has, in bytes. */
export interface PoolSpace {
  readonly capacity: bigint;
  readonly allocation: bigint;
  readonly available: bigint;
}

/**
 * Reads a pool's XML. Pure.
 *
 * @param makeUuid for a pool that has none.
 * @throws {HostdevError} `HD_XML_*`, `HD_DOMAIN_INVALID`, `HD_DOMAIN_UNSUPPORTED` for all types but `dir`;
 * `HD_LIBVIRT_ERROR` for names that libvirt refuses.
 */
export function parsePool(text: string, makeUuid: () => string): PoolDefinition {
  const root = readXml(text);
  if (root.name !== "pool")
    throw invalid({ path: root.name, position: root.position }, "the root element is not <pool>");
  const { name, uuid, target }: Infer<typeof schema> = schema.read(root, "");
  if (name.includes("/")) throw xmlError(`name ${name} cannot contain '/'`);
  if (name.includes("\n")) throw xmlError("invalid char in name: \n");
  return {
    name,
    uuid: uuid ?? makeUuid(),
    path: posix.normalize(target.path).replace(/(?<=.)\/$/, ""),
    mode: target.permissions?.mode,
  };
}

/** Writes a pool as libvirt does: with the sizes and permissions of the folder where it is active. Pure. */
export function formatPool(
  { name, uuid, path, mode }: PoolDefinition,
  live?: { readonly space: PoolSpace; readonly status: FileStatus },
): string {
  const sizes = ["capacity", "allocation", "available"] as const;
  const rights = live?.status ?? (mode === undefined ? undefined : { mode });
  return writeXml(
    element("pool", { type: "dir" }, [
      textElement("name", name),
      textElement("uuid", uuid),
      ...sizes.map((size) => byteSize.write(live?.space[size] ?? 0n, size)),
      element("source"),
      element("target", {}, [textElement("path", path), ...(rights === undefined ? [] : [permissionsElement(rights)])]),
    ]),
  );
}
