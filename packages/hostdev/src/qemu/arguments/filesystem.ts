// SPDX-License-Identifier: Apache-2.0

import type { Filesystem } from "../../domain/devices/filesystem.ts";
import { invalid } from "../../xml/complaint.ts";
import { addressProperties, virtioDriver, virtioProperties } from "./address.ts";
import { type Build, deviceArgument, keyValues } from "./options.ts";

/** Folders of the host, by 9p or virtiofs. */
export function filesystemArguments(build: Build, filesystem: Filesystem): string[] {
  const { alias = "fs0", driver, source, target } = filesystem;
  const place = addressProperties(build.domain, filesystem);
  if (driver?.type === "virtiofs") {
    const chardev = `chr-vu-${alias}`;
    const path = source.socket ?? `${build.environment.runtimeDirectory}/${alias}-fs.sock`;
    return [
      "-chardev",
      keyValues("socket", { id: chardev, path }),
      ...deviceArgument(build, {
        driver: virtioDriver("vhost-user-fs", filesystem.model),
        ...virtioProperties(driver),
        id: alias,
        chardev,
        "queue-size": driver.queue,
        tag: target.dir,
        ...place,
      }),
    ];
  }
  if (source.dir === undefined) throw invalid(source, "attribute 'dir' is missing");
  const fsdev = `fsdev-${alias}`;
  const models = { passthrough: "passthrough", mapped: "mapped", squash: "none" } as const;
  const options = {
    security_model: models[filesystem.accessmode ?? "passthrough"],
    multidevs: filesystem.multidevs === "default" ? undefined : filesystem.multidevs,
    fmode: filesystem.fmode,
    dmode: filesystem.dmode,
    writeout: driver?.wrpolicy,
    id: fsdev,
    path: source.dir,
    readonly: filesystem.readonly ? true : undefined,
  };
  return [
    "-fsdev",
    keyValues("local", options),
    ...deviceArgument(build, {
      driver: virtioDriver("virtio-9p", filesystem.model),
      ...virtioProperties(driver),
      id: alias,
      fsdev,
      mount_tag: target.dir,
      ...place,
    }),
  ];
}
