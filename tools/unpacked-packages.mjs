// SPDX-License-Identifier: Apache-2.0
// Programs that some tests run, out of Debian's packages, but not installed: cockpit-ws would have the machine listen on
// port 9090 from then on, libvirt-dbus would bring libvirt's system daemon and polkit, and qemu-guest-agent is a service
// where the machine is a guest itself. No test needs that, and a user who only runs our tests has not asked for it. They
// run from where they are unpacked, so no root is needed either.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cache = fileURLToPath(new URL("../.cache", import.meta.url));
/** Where they are; `test/integration/unpacked-programs.ts` looks here. */
const folder = join(cache, "debian");

const packages = [
  "libvirt-dbus", // a client of our session daemon, on the user's D-Bus
  "cockpit-machines", // the page for VMs, a client of that one
  "cockpit-bridge", // what such pages speak to
  "cockpit-ws", // their web server
  "qemu-guest-agent", // what our daemon asks in a guest
  // Libraries of these, beside those that libvirt and QEMU bring.
  "libvirt-glib-1.0-0",
  "libjson-glib-1.0-0",
  "libpolkit-agent-1-0",
  "libpolkit-gobject-1-0",
  "libssh-4",
];

/** Fetches and unpacks what is missing, or tells that some tests are skipped. Never an error. */
export function ensureUnpackedPackages(say = console.log) {
  const wanted = packages.join("\n");
  const list = join(folder, "packages.txt");
  if (existsSync(list) && readFileSync(list, "utf8") === wanted) return;
  if (!existsSync("/usr/bin/dpkg-deb")) return;
  say(`unpacking for the tests, into ${cache}: ${packages.join(" ")}`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, "debian-"));
  try {
    fetch(work);
    for (const name of readdirSync(work)) {
      if (name.endsWith(".deb")) run(work, "dpkg-deb", "--extract", name, "root");
    }
    writeFileSync(join(work, "root/packages.txt"), wanted);
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(work, "root"), folder);
  } catch (error) {
    say(`without them some tests are skipped: ${error.message}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The lists of packages may be missing or old, as on a fresh machine; only root may fetch them. */
function fetch(work) {
  const download = () => run(work, "apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", ...packages);
  try {
    download();
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    run(work, "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", "update");
    download();
  }
}

function run(cwd, command, ...args) {
  const { status, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
}
