// SPDX-License-Identifier: Apache-2.0

/** `<os>`: what machine it is and what it boots. */
import {
  attribute,
  child,
  childAttributes,
  content,
  type Infer,
  leaf,
  list,
  object,
  required,
  variants,
} from "../xml/schema.ts";
import { integer, matching, oneOf, path, someText, yesNo } from "../xml/values.ts";
import { blockSource, fileSource, networkSource } from "./devices/storage-source.ts";

const pflashFormat = attribute("format", oneOf("raw", "qcow2"));

/** `<nvram>`: a path as text, or a `<source>` of any kind. */
const nvram = variants(
  "type",
  {
    "": {
      template: attribute("template", path),
      templateFormat: attribute("templateFormat", oneOf("raw", "qcow2")),
      format: pflashFormat,
      path: content(path),
    },
    file: {
      template: attribute("template", path),
      format: pflashFormat,
      source: required(child("source", fileSource)),
    },
    block: {
      template: attribute("template", path),
      format: pflashFormat,
      source: required(child("source", blockSource)),
    },
    network: {
      template: attribute("template", path),
      format: pflashFormat,
      source: required(child("source", networkSource)),
    },
  },
  "",
);

/** `<os>`. */
export const os = object({
  firmware: attribute("firmware", oneOf("bios", "efi")),
  type: required(
    child(
      "type",
      object({
        arch: attribute("arch", oneOf("x86_64", "i686")),
        machine: attribute("machine", matching(/^[A-Za-z0-9._-]{1,64}$/, "a machine type such as q35 or pc-q35-7.2")),
        type: required(content(oneOf("hvm"))),
      }),
    ),
  ),
  firmwareFeatures: child(
    "firmware",
    object({
      features: list(
        "feature",
        object({
          enabled: required(attribute("enabled", yesNo)),
          name: required(attribute("name", oneOf("enrolled-keys", "secure-boot"))),
        }),
      ),
    }),
  ),
  loader: child(
    "loader",
    object({
      readonly: attribute("readonly", yesNo),
      type: attribute("type", oneOf("rom", "pflash")),
      secure: attribute("secure", yesNo),
      stateless: attribute("stateless", yesNo),
      format: pflashFormat,
      path: content(path),
    }),
  ),
  nvram: child("nvram", nvram),
  kernel: leaf("kernel", path),
  initrd: leaf("initrd", path),
  cmdline: leaf("cmdline", someText),
  dtb: leaf("dtb", path),
  shim: leaf("shim", path),
  boot: childAttributes("boot", "dev", oneOf("hd", "cdrom", "fd", "network")),
  bootmenu: child(
    "bootmenu",
    object({ enable: attribute("enable", yesNo), timeoutMs: attribute("timeout", integer(0, 65535)) }),
  ),
  bios: child(
    "bios",
    object({
      useSerial: attribute("useserial", oneOf("no")),
      rebootTimeoutMs: attribute("rebootTimeout", integer(-1, 65535)),
    }),
  ),
  smbios: child("smbios", object({ mode: required(attribute("mode", oneOf("emulate", "sysinfo"))) })),
  acpi: child(
    "acpi",
    object({
      tables: list(
        "table",
        object({
          type: required(attribute("type", oneOf("raw", "slic", "msdm"))),
          path: required(content(path)),
        }),
      ),
    }),
  ),
});

export type Os = Infer<typeof os>;
export type Nvram = NonNullable<Os["nvram"]>;
