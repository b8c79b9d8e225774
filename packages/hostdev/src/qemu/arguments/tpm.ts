// SPDX-License-Identifier: Apache-2.0

import type { Tpm } from "../../domain/devices/tpm.ts";
import { type Build, deviceArgument, escaped, keyValues } from "./options.ts";

/** Trusted platform modules. */
export function tpmArguments(build: Build, tpm: Tpm): string[] {
  const id = `tpm-${tpm.alias}`;
  const device = deviceArgument(build, { driver: tpm.model, tpmdev: id, id: tpm.alias });
  if (tpm.backend.type === "passthrough") {
    const path = tpm.backend.device?.path ?? "/dev/tpm0";
    return ["-tpmdev", `passthrough,id=${id},path=${escaped(path)},cancel-path=/dev/null`, ...device];
  }
  const path = tpm.backend.type === "external" ? tpm.backend.source.path : build.environment.tpmSocket;
  return [
    "-chardev",
    keyValues("socket", { id: "chrtpm", path }),
    "-tpmdev",
    `emulator,id=${id},chardev=chrtpm`,
    ...device,
  ];
}
