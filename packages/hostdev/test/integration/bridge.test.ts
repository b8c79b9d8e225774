// SPDX-License-Identifier: Apache-2.0

/**
 * Cards on a bridge, by the real qemu-bridge-helper and QEMU, for an ordinary user: in a network and with files of
 * their own, so that this machine has no new bridge, no privileged program and no new rules. Only root can make those.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { packageRoot } from "../style/source-tree.ts";
import { skippedWhenQuick } from "./programs.ts";

const helper = "/usr/lib/qemu/qemu-bridge-helper";

/** What root prepares: a privileged helper over the real one, rules for users, a bridge. */
const prepare = `
mount -t tmpfs -o mode=755 none "$FOLDER/root"
cd "$FOLDER/root"; mkdir etc work
cp ${helper} helper; chmod "$HELPER_MODE" helper
mount --bind helper ${helper}
mount -t overlay -o lowerdir=/etc,upperdir=etc,workdir=work none /etc
mkdir -p /etc/qemu; echo "$RULES" > /etc/qemu/bridge.conf
ip link set lo up; mount -t sysfs none /sys
ip link add hdbr0 type bridge; ip link set hdbr0 up
cd "$FOLDER/user"
exec setpriv --reuid=65534 --regid=65534 --clear-groups -- sh -ec "$STEPS"
`;

function canIsolate(): string | false {
  if (process.getuid?.() !== 0) return "only root can make a bridge";
  if (!existsSync(helper)) return "there is no qemu-bridge-helper: apt-get install qemu-system-common";
  if (!existsSync("/dev/net/tun")) return "there is no /dev/net/tun";
  const probe = ["--mount", "--net", "sh", "-ec", "mount -t tmpfs none /mnt; ip link add hdbr0 type bridge"];
  return spawnSync("unshare", probe).status === 0 ? false : "network namespaces cannot be made here";
}

const skip = skippedWhenQuick || canIsolate();

interface Machine {
  readonly mode?: string;
  readonly rules?: string;
}

/** Runs steps as an ordinary user of such a machine, with `hostdev` as a command. */
function onMachine(steps: string, { mode = "4755", rules = "allow hdbr0" }: Machine = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "hd-bridge-"));
  try {
    spawnSync("sh", ["-ec", `cd ${folder}; chmod 755 .; mkdir root user; chown 65534:65534 user`]);
    cpSync(join(packageRoot, "dist"), join(folder, "dist"), { recursive: true });
    const cli = `hostdev() { "${process.execPath}" "${folder}/dist/hostdev.js" "$@"; }\n`;
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "user", name), text);
    const { stdout, stderr } = spawnSync("unshare", ["--mount", "--net", "sh", "-ec", prepare], {
      env: {
        ...{ PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
        ...{ FOLDER: folder, HELPER_MODE: mode, RULES: rules, STEPS: cli + steps },
        ...{ HOME: `${folder}/user`, XDG_RUNTIME_DIR: `${folder}/user` },
      },
      encoding: "utf8",
      timeout: 60_000,
    });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const card = (mac: string) =>
  `<interface type='bridge'><mac address='${mac}'/><source bridge='hdbr0'/><model type='virtio'/></interface>`;
const files = {
  "vm.xml": `<domain type='qemu'><name>bridged</name><memory unit='MiB'>64</memory>
    <os><type machine='q35'>hvm</type><boot dev='network'/></os>
    <devices>${card("52:54:00:00:00:01")}<controller type='pci' index='0' model='pcie-root'/>${"<controller type='pci' model='pcie-root-port'/>".repeat(4)}</devices></domain>`,
  "card.xml": card("52:54:00:00:00:02"),
};
const members = "ls /sys/class/net/hdbr0/brif | tr '\\n' ' '; echo";

test("a user's VM is on a bridge, by qemu-bridge-helper and in QEMU's sandbox", { skip, timeout: 90_000 }, () => {
  const said = onMachine(`
    hostdev check vm.xml | grep -i bridge
    hostdev define vm.xml; hostdev start bridged
    ${members}
    hostdev dumpxml bridged | grep "<target dev='tap"
    hostdev attach bridged card.xml
    ${members}
    for try in $(seq 150); do
      sent=$(cat /sys/class/net/tap0/statistics/rx_packets); [ "$sent" -gt 0 ] && break; sleep 0.2
    done
    echo "the firmware sent $([ "$sent" -gt 0 ] && echo packets || echo nothing)"
    hostdev destroy bridged
    ${members}; echo over`);
  assert.match(said, /ok {4}bridge hdbr0 may be used/);
  assert.match(said, /^tap0 $/m);
  assert.match(said, /<target dev='tap0'\/>/);
  assert.match(said, /^tap0 tap1 $/m);
  assert.match(said, /the firmware sent packets/); // it boots from the card that came after QEMU
  assert.match(said, /^ ?\nover$/m);
});

const problems: readonly (readonly [name: string, machine: Machine, change: string, message: RegExp])[] = [
  ["a helper without privileges", { mode: "755" }, "true", /may not make tap devices[\s\S]*chmod u\+s/],
  ["rules that do not name it", { rules: "allow other" }, "true", /bridge\.conf does not allow it[\s\S]*allow hdbr0/],
  ["rules that deny it", { rules: "allow all\ndeny hdbr0" }, "true", /bridge\.conf does not allow it/],
  ["no such bridge", {}, "sed -i s/hdbr0/hdbr9/ vm.xml", /no such network device[\s\S]*ip link show type bridge/],
  ["another device", {}, "sed -i s/hdbr0/lo/ vm.xml", /it is no bridge/],
];

for (const [name, machine, change, message] of problems) {
  test(`a check of a card on a bridge finds ${name}`, { skip, timeout: 60_000 }, () => {
    assert.match(onMachine(`${change}; hostdev check vm.xml || echo failed`, machine), message);
  });
}
