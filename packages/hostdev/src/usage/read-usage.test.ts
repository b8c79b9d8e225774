// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bigMachine, desktopMachine, fakeMachine } from "../../test/fake-host/index.ts";
import type { Host } from "../core/host.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readUsage } from "./read-usage.ts";

test("readUsage() finds what a desktop lives on, the gravest first", () => {
  const host = desktopMachine().build().open("alex");
  const { uses, unread } = readUsage(host, enumerateFunctions(host));
  assert.deepEqual(unread, []);
  assert.deepEqual(
    uses.map(({ address, kind, path }) => `${address} ${kind}: ${path}`),
    [
      "0000:00:02.0 boot-vga: boot VGA",
      "0000:00:1f.6 network: enp0s31f6 -> default route",
      "0000:02:00.0 root: nvme0n1p2 -> /",
      "0000:02:00.0 swap: nvme0n1p3 -> swap",
      "0000:02:00.0 mount: nvme0n1p1 -> /boot/efi",
    ],
  );
});

test("readUsage() finds a PF with VFs", () => {
  const built = fakeMachine()
    .iommu()
    .function("0000:05:00.0", { driver: "igb", vfs: { total: 7, ids: "8086:10ca" } })
    .build();
  const usesNow = () => {
    const host = built.open();
    return readUsage(host, enumerateFunctions(host)).uses;
  };
  assert.deepEqual(usesNow(), []);
  built.write("/sys/bus/pci/devices/0000:05:00.0/sriov_numvfs", "2");
  assert.deepEqual(usesNow(), [
    {
      address: "0000:05:00.0",
      kind: "virtual-functions",
      path: "2 virtual functions",
      text: "0000:05:00.0 has 2 virtual functions",
    },
  ]);
});

test("readUsage() names the processes that have a device open, to root only", () => {
  const built = desktopMachine()
    .file("/proc/driver/nvidia/gpus/0000:01:00.0/information", "Device Minor: \t 0\n")
    .build();
  const process = built.process({ user: "alex", comm: "Xorg" });
  for (const node of ["/dev/dri/card1", "/dev/nvidia0", "/dev/sda", "/dev/null", "/dev/tty1"]) process.open(node);
  const processesFor = (user: string) => {
    const host = built.open(user);
    return readUsage(host, enumerateFunctions(host))
      .uses.filter((use) => use.kind === "process")
      .map((use) => use.text);
  };
  assert.deepEqual(processesFor("root"), [
    `0000:00:17.0 is open in process ${process.pid}, Xorg (sda -> process ${process.pid})`,
    `0000:01:00.0 is open in process ${process.pid}, Xorg (card1 -> process ${process.pid})`,
  ]);
  assert.deepEqual(processesFor("alex"), []);
});

test("readUsage() goes on without a table that it may not read, and says which", () => {
  const built = desktopMachine().build();
  for (const path of ["/proc/swaps", "/sys/class/net"]) built.failOn({ path, errno: "EACCES" });
  const host = built.open("alex");
  const { uses, unread } = readUsage(host, enumerateFunctions(host));
  assert.deepEqual(unread, ["/proc/swaps", "/sys/class/net"]);
  assert.deepEqual(
    uses.map((use) => use.kind),
    ["boot-vga", "root", "mount"],
  );
});

/** A host that counts how often each path is read. */
function counting(host: Host): { readonly host: Host; readonly reads: ReadonlyMap<string, number> } {
  const reads = new Map<string, number>();
  const counted = new Proxy(host, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (path: string, ...rest: unknown[]) => {
        const act = `${String(name)} ${path}`;
        reads.set(act, (reads.get(act) ?? 0) + 1);
        return member.call(target, path, ...rest);
      };
    },
  });
  return { host: counted, reads };
}

test("readUsage() reads nothing twice, and so much more as there are more functions", () => {
  const [small = 0, large = 0] = [64, 128].map((count) => {
    const plain = bigMachine(count).mount("/dev/sda1", "/", "ext4").mount("/dev/sda1", "/home", "ext4").open();
    const { host, reads } = counting(plain);
    readUsage(host, enumerateFunctions(plain));
    assert.deepEqual(
      [...reads].filter(([act, times]) => times > 1 && !act.startsWith("environment ")),
      [],
    );
    return reads.size;
  });
  assert.ok(large < 2 * small, `${large} reads for twice the functions of ${small}`);
});

const tables = [
  "/proc/swaps",
  "/proc/net/route",
  "/proc/net/if_inet6",
  "/proc/net/ipv6_route",
  "/proc/consoles",
  "/proc/bus/input/devices",
  "/sys/class/tty/console/active",
  "/sys/class/vtconsole/vtcon0/name",
];

test("readUsage() never fails, whatever the tables say", () => {
  const field = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "/dev/sda",
      "file",
      "partition",
      "00000000",
      "0".repeat(32),
      "enp0s31f6",
      "..",
      "/",
      "\0",
      "8:0",
      "tty0",
    ),
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.array(field, { maxLength: 12 }).map((line) => line.join(" "))).map((lines) => lines.join("\n")),
  );
  fc.assert(
    fc.property(fc.tuple(...tables.map(() => text)), text, text, (texts, source, session) => {
      let machine = desktopMachine().mount(source, source, "btrfs", "0:77");
      for (const [index, path] of tables.entries()) machine = machine.file(path, texts[index] ?? "");
      const host = machine.build().open("root", { environment: { SSH_CONNECTION: session } });
      assert.ok(readUsage(host, enumerateFunctions(host)).uses.length > 0);
    }),
    { numRuns: 50 },
  );
});
