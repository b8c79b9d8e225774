// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { packageRoot } from "../../style/source-tree.ts";
import type { TestUser } from "../programs.ts";
import { lacksUnpacked, unpacked } from "../unpacked-programs.ts";

const agent = "debian/usr/sbin/qemu-ga";

/** Why tests with a Linux guest cannot run here; `false` when they can. */
export const lacksLinuxGuest = lacksUnpacked("debian-guest/packages.txt") || lacksUnpacked(agent);

/** Drivers of the guest; some kernels have some of them built in. */
const modules = [
  ...["virtio_pci", "virtio_console", "virtio_balloon", "virtio_blk", "virtio_net", "virtiofs"],
  ...["button", "evdev", "ext4", "af_packet"],
];

/** Small files of the guest: what they are for says `init.sh`. */
const files = {
  "etc/modules": modules.join(" "),
  "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
  "etc/group": "root:x:0:\n",
  "etc/shadow": "root:*:19000:0:99999:7:::\n",
  "etc/os-release": 'ID=small\nNAME="Small Linux"\nPRETTY_NAME="Small Linux 1"\nVERSION_ID=1\n',
  "etc/udhcpc": '#!/bin/sh\n[ "$1" != bound ] || ip addr add "$ip/$mask" dev "$interface"\n',
  "etc/acpi/PWRF/00000080": "#!/bin/sh\nexec poweroff -f\n",
  // The agent calls what other systems have.
  "bin/shutdown": '#!/bin/sh\ncase "$*" in *-r*) exec reboot -f ;; *) exec poweroff -f ;; esac\n',
  "bin/chpasswd": `#!/bin/sh
IFS=: read -r user password
[ "$1" = -e ] || password=$(mkpasswd "$password")
sed -i "s|^$user:[^:]*|$user:$password|" /etc/shadow
`,
};

/**
 * Makes a small Linux: Debian's kernel for virtual machines, busybox, QEMU's guest agent, and `init.sh`.
 *
 * @returns the kernel and the initrd, which the user may read.
 */
export function makeLinuxGuest(user: TestUser): { readonly kernel: string; readonly initrd: string } {
  const source = unpacked("debian-guest");
  const root = join(user.folder, "guest-root");
  for (const name of [
    "bin",
    "dev",
    "mnt/shared",
    "mnt/disk",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "var/log",
    "var/run",
  ])
    mkdirSync(join(root, name), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text, { mode: 0o755 });
  }
  symlinkSync("bin", join(root, "sbin"));
  copyFileSync(join(packageRoot, "test/integration/guest/init.sh"), join(root, "init"));
  chmodSync(join(root, "init"), 0o755);
  // Debian 12 has these beside /usr, Debian 13 in it.
  const usr = existsSync(join(source, "usr/lib/modules")) ? join(source, "usr") : source;
  const busybox = join(usr, "bin/busybox");
  copyFileSync(busybox, join(root, "bin/busybox"));
  copyAgent(root);
  copyModules(usr, root);
  const archive = run(busybox, ["cpio", "-o", "-H", "newc"], { cwd: root, input: run("find", ["."], { cwd: root }) });
  const initrd = join(user.folder, "initrd");
  writeFileSync(initrd, archive);
  const kernel = join(user.folder, "vmlinuz");
  const name = readdirSync(join(source, "boot")).find((one) => one.startsWith("vmlinuz"));
  copyFileSync(join(source, "boot", name ?? "vmlinuz"), kernel);
  return { kernel, initrd };
}

/** With the libraries that it runs with here: QEMU itself has brought them. */
function copyAgent(root: string): void {
  const program = unpacked(agent);
  copyFileSync(program, join(root, "bin/qemu-ga"));
  for (const [path] of run("ldd", [program]).toString().matchAll(/\/\S+/g)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(root, path));
  }
}

/** The drivers and all that they need; busybox reads them only as they are when not packed. */
function copyModules(usr: string, root: string): void {
  const [release = ""] = readdirSync(join(usr, "lib/modules"));
  const tree = join(usr, "lib/modules", release);
  const target = join(root, "lib/modules", release);
  mkdirSync(target, { recursive: true });
  const found = new Map(
    (readdirSync(tree, { recursive: true }) as string[])
      .filter((path) => /\.ko(\.xz)?$/.test(path))
      .map((path) => [
        basename(path)
          .replace(/\.ko.*/, "")
          .replaceAll("-", "_"),
        join(tree, path),
      ]),
  );
  const todo = [...modules];
  for (const name of todo) {
    const path = found.get(name);
    if (path === undefined) continue; // built in, or there is none
    const bytes = path.endsWith(".xz") ? run("xz", ["--decompress", "--stdout", path]) : readFileSync(path);
    writeFileSync(join(target, `${name}.ko`), bytes);
    const needs = /\0depends=([^\0]*)\0/.exec(bytes.toString("latin1"))?.[1] ?? "";
    for (const need of needs.split(",")) if (need !== "" && !todo.includes(need)) todo.push(need);
  }
  const lines = ["modules.builtin", "modules.order"].filter((name) => existsSync(join(tree, name)));
  for (const name of lines) copyFileSync(join(tree, name), join(target, name));
  run(join(usr, "bin/busybox"), ["depmod", "-b", root, release]);
}

function run(command: string, args: readonly string[], options: { cwd?: string; input?: Buffer } = {}): Buffer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
  return stdout;
}
