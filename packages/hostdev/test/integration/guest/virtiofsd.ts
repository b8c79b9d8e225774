// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { realHost } from "../../../src/core/real-host.ts";
import { findProgram } from "../../../src/session/find-program.ts";
import type { TestUser } from "../programs.ts";
import { lacksUnpacked, unpacked } from "../unpacked-programs.ts";

const libraries = "usr/lib/x86_64-linux-gnu";

/** Why tests with virtiofsd cannot run here; `false` when they can. */
export const lacksVirtiofsd = installed() === undefined && lacksUnpacked("debian-13/usr/libexec/virtiofsd");

/** A virtiofsd that works for users: the machine's, or Debian 13's, which comes with the libraries that it needs. */
export function virtiofsdFor(user: TestUser): string {
  const found = installed();
  if (found !== undefined) return found;
  const copy = join(user.folder, "debian-13");
  cpSync(unpacked("debian-13"), copy, { recursive: true, verbatimSymlinks: true });
  const program = join(copy, "virtiofsd");
  const loader = `${copy}/usr/lib64/ld-linux-x86-64.so.2 --library-path ${copy}/${libraries}`;
  writeFileSync(program, `#!/bin/sh\nexec ${loader} ${copy}/usr/libexec/virtiofsd "$@"\n`, { mode: 0o755 });
  return program;
}

/** That of QEMU before 8.0 is for root alone; it says its version differently. */
function installed(): string | undefined {
  const path = findProgram(realHost(), "virtiofsd");
  const isNew = path !== undefined && !/^virtiofsd version/m.test(`${spawnSync(path, ["--version"]).stdout}`);
  return isNew ? path : undefined;
}
