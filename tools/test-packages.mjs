// SPDX-License-Identifier: Apache-2.0
// Programs of the system that some tests run. As root on Debian what is missing is installed; otherwise one line says
// how. Never an error: a test whose program is missing skips, and says so.
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { join } from "node:path";

/**
 * What tests need beside Node: a file that shows that it is there, the Debian package that has it, and what for.
 * `isLong`: only tests that the quick gate leaves out need it, and it takes a while to install.
 */
const needed = [
  { program: "qemu-system-x86_64", debianPackage: "qemu-system-x86", why: "starts with the arguments that we make" },
  { file: "/usr/share/OVMF/OVMF_CODE_4M.fd", debianPackage: "ovmf", why: "firmware of domains with firmware='efi'" },
  { program: "swtpm_setup", debianPackage: "swtpm-tools", why: "makes a VM's TPM" },
  { program: "passt", debianPackage: "passt", why: "is a VM's network" },
  { program: "virsh", debianPackage: "libvirt-clients", why: "is a client of our session daemon" },
  { program: "libvirtd", debianPackage: "libvirt-daemon", why: "is what our session daemon is compared with" },
  {
    file: "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so",
    debianPackage: "libvirt-daemon-driver-qemu",
    why: "makes that one run virtual machines",
  },
  { program: "virt-install", debianPackage: "virtinst", why: "makes VMs on our session daemon" },
  { program: "virt-manager", debianPackage: "virt-manager", why: "shows VMs of our session daemon" },
  { program: "qemu-img", debianPackage: "qemu-utils", why: "makes the images in storage pools" },
  { program: "Xvfb", debianPackage: "xvfb", why: "is the screen that virt-manager is shown on" },
  { program: "xdotool", debianPackage: "xdotool", why: "looks at the windows on that screen" },
  { file: "/usr/lib/python3/dist-packages/libvirt.py", debianPackage: "python3-libvirt", why: "is what scripts use" },
  { program: "dbus-daemon", debianPackage: "dbus-daemon", why: "is the bus of libvirt-dbus and virt-manager" },
  { program: "busctl", debianPackage: "systemd", why: "is a client of libvirt-dbus" },
  { program: "chromium", debianPackage: "chromium", why: "shows cockpit's page for VMs", isLong: true },
  { program: "groff", debianPackage: "groff-base", why: "reads the manual pages" },
  { program: "zsh", debianPackage: "zsh", why: "reads its completion" },
  { program: "fish", debianPackage: "fish", why: "runs its completion" },
];

/** Installs what is missing, or tells how. */
export function ensureTestPackages(say = console.log, { isQuick = false } = {}) {
  const missing = needed.filter(({ program, file, isLong }) => {
    if (isLong && isQuick) return false;
    return !(file === undefined ? isProgram(program) : existsSync(file));
  });
  if (missing.length === 0) return;
  const packages = missing.map(({ debianPackage }) => debianPackage);
  const line = `apt-get install --no-install-recommends ${packages.join(" ")}`;
  if (existsSync("/etc/debian_version") && process.getuid?.() === 0) {
    say(`installing for the tests: ${packages.join(" ")}`);
    if (install(packages)) return;
    say(`could not install them; try: apt-get update && ${line}`);
  }
  for (const { debianPackage, why } of missing) say(`without ${debianPackage} (${why}) some tests are skipped`);
  if (process.getuid?.() !== 0) say(`root can install them: ${line}`);
}

/** The lists of packages may be missing or old, as on a fresh machine: they are fetched when an installation fails. */
function install(packages) {
  const options = ["-y", "-q", "-o", "DPkg::Lock::Timeout=300"];
  const attempt = () => apt("install", "--no-install-recommends", ...options, ...packages);
  return attempt() || (apt("update", ...options) && attempt());
}

function apt(...args) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stderr } = spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  if (status !== 0 && args[0] === "update") console.log(stderr.trim());
  return status === 0;
}

function isProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/bin", "/usr/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
