// SPDX-License-Identifier: Apache-2.0
// Programs that some tests run, out of Debian's packages, but not installed: cockpit-ws would have the machine listen on
// port 9090 from then on, libvirt-dbus would bring libvirt's system daemon and polkit, qemu-guest-agent is a service where
// the machine is a guest itself, and a kernel is none that the machine shall boot. No test needs that, and a user who only
// runs our tests has not asked for it. They run from where they are unpacked, so no root is needed either.
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

/**
 * Folders in `.cache`, where `test/integration/unpacked-programs.ts` looks, and the packages in them. `isLong`: only
 * tests that the quick gate leaves out need them.
 */
const folders = [
  {
    name: "debian",
    packages: [
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
    ],
  },
  // A guest: the small kernel that Debian has for machines that are virtual, and all the programs that it needs.
  { name: "debian-guest", packages: ["linux-image-cloud-amd64", "busybox-static"], isLong: true },
  // Debian 12 has only QEMU's old virtiofsd, which is for root alone; that of Debian 13 brings the libraries it runs with.
  {
    name: "debian-13",
    packages: ["virtiofsd", "libc6", "libgcc-s1", "libcap-ng0", "libseccomp2"],
    isDebian13: true,
    isLong: true,
  },
];

/** Fetches and unpacks what is missing, or tells that some tests are skipped. Never an error. */
export async function ensureUnpackedPackages(say = console.log, { isQuick = false } = {}) {
  if (!existsSync("/usr/bin/dpkg-deb")) return;
  for (const folder of folders) {
    if (!(isQuick && folder.isLong)) await ensureFolder(folder, say);
  }
}

async function ensureFolder({ name, packages, isDebian13 = false }, say) {
  const wanted = packages.join("\n");
  const folder = join(cache, name);
  const list = join(folder, "packages.txt");
  if (existsSync(list) && readFileSync(list, "utf8") === wanted) return;
  say(`unpacking for the tests, into ${folder}: ${packages.join(" ")}`);
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, `${name}-`));
  try {
    if (isDebian13) await fetchFromDebian13(work, packages);
    else fetch(work, packages);
    for (const file of readdirSync(work)) {
      if (file.endsWith(".deb")) run(work, "dpkg-deb", "--extract", file, "root");
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
function fetch(work, packages) {
  const download = () => aptGet(work, {}, "download", ...packages.map(real));
  try {
    download();
  } catch (error) {
    if (process.getuid?.() !== 0) throw error;
    aptGet(work, { "DPkg::Lock::Timeout": "300" }, "update");
    download();
  }
}

/** The kernel's package is empty: it depends on the one of the release, whose name has a version in it. */
function real(name) {
  if (!name.startsWith("linux-image-")) return name;
  const kernel = /Depends: (linux-image-\S+)/.exec(run(cache, "apt-cache", "depends", name))?.[1];
  if (kernel === undefined) throw new Error(`apt-cache does not say which kernel ${name} is`);
  return kernel;
}

/** From the same mirror, with lists of packages apart from the machine's. */
async function fetchFromDebian13(work, packages) {
  const { mirrorSources } = await import("../lab/build/src/image/mirror.js");
  const sources = await mirrorSources();
  if (sources.length === 0) throw new Error("apt has no mirror of Debian; HOSTDEV_LAB_MIRROR may name one");
  const keys = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
  for (const name of ["lists/partial", "archives/partial"]) mkdirSync(join(work, name), { recursive: true });
  writeFileSync(join(work, "status"), "");
  writeFileSync(join(work, "sources.list"), sources.map((line) => line.replace("deb", `deb ${keys}`)).join("\n"));
  const options = {
    "Dir::Etc::SourceList": join(work, "sources.list"),
    "Dir::Etc::SourceParts": "/dev/null",
    "Dir::State::Lists": join(work, "lists"),
    "Dir::State::Status": join(work, "status"),
    "Dir::Cache": work,
  };
  aptGet(work, options, "update");
  aptGet(work, options, "download", ...packages);
}

function aptGet(cwd, options, ...args) {
  const all = Object.entries({ "APT::Sandbox::User": "root", ...options });
  run(cwd, "apt-get", "-q", ...all.flatMap(([name, value]) => ["-o", `${name}=${value}`]), ...args);
}

function run(cwd, command, ...args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}
