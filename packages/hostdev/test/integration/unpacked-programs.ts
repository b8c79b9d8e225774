// SPDX-License-Identifier: Apache-2.0
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../style/source-tree.ts";
import { lacks, type TestUser, until } from "./programs.ts";

/** A file of those that `tools/unpacked-packages.mjs` unpacks, for the tests to run, but does not install. */
export function unpacked(path: string): string {
  return join(repositoryRoot, ".cache", path);
}

/** Why tests with libvirt-dbus cannot run here; `false` when they can. */
export const lacksLibvirtDbus = lacksUnpacked("debian/usr/sbin/libvirt-dbus") || lacks("dbus-daemon", "dbus-daemon");

/** Why tests with cockpit's page for VMs cannot run here; `false` when they can. */
export const lacksCockpit =
  lacksLibvirtDbus || lacksUnpacked("debian/usr/lib/cockpit/cockpit-ws") || lacks("chromium", "chromium");

/** Why a test that needs such a file cannot run here; `false` when it can. */
export function lacksUnpacked(path: string): string | false {
  return !existsSync(unpacked(path)) && `there is no ${path} in .cache: npm test unpacks it there`;
}

/** Gives a user the unpacked programs, from a copy that he may read, and a D-Bus of his own that starts libvirt-dbus. */
export async function startSessionBus(user: TestUser): Promise<{ readonly programs: string }> {
  const programs = join(user.folder, "debian");
  cpSync(unpacked("debian"), programs, { recursive: true, verbatimSymlinks: true });
  // What installed programs find by the places that they were built for.
  Object.assign(user.variables, {
    LD_LIBRARY_PATH: join(programs, "usr/lib/x86_64-linux-gnu"),
    XDG_DATA_DIRS: `${join(programs, "usr/share")}:/usr/share`,
    VIRT_DBUS_INTERFACES_DIR: join(programs, "usr/share/dbus-1/interfaces"),
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(user.runtime, "bus")}`,
  });
  const services = join(user.runtime, "dbus-1/services");
  mkdirSync(services, { recursive: true });
  writeFileSync(
    join(services, "org.libvirt.service"),
    `[D-BUS Service]\nName=org.libvirt\nExec=${join(programs, "usr/sbin/libvirt-dbus")} --session\n`,
  );
  for (const path of ["dbus-1", "dbus-1/services"]) user.own(join(user.runtime, path));
  const address = user.variables["DBUS_SESSION_BUS_ADDRESS"];
  const bus = user.start("dbus-daemon", ["--session", "--nofork", "--nopidfile", `--address=${address}`]);
  await until(() => existsSync(join(user.runtime, "bus")), bus);
  return { programs };
}
