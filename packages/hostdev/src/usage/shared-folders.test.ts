// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { treeHost } from "../../test/fuzz/tree-host.ts";
import { Reader } from "./reader.ts";
import { claimSharedFolders } from "./shared-folders.ts";

/** A machine with such shares, by their function: driver and, for 9p, tag; and these mounts. */
function readerOf(shares: Readonly<Record<string, readonly [driver: string, tag?: string]>>, mounts: string): Reader {
  const entries = new Map([["/proc/self/mountinfo", { content: mounts }]]) as Map<
    string,
    { content: string } | { link: string }
  >;
  for (const [index, [address, [driver, tag]]] of Object.entries(shares).entries()) {
    const device = `pci0000:00/${address}/virtio${index}`;
    entries.set(`/sys/bus/virtio/drivers/${driver}/virtio${index}`, { link: `../../../../devices/${device}` });
    entries.set(`/sys/bus/virtio/devices/virtio${index}`, { link: `../../../devices/${device}` });
    entries.set(`/sys/devices/${device}/device`, { content: "0x0009\n" });
    if (tag !== undefined) entries.set(`/sys/devices/${device}/mount_tag`, { content: `${tag}\0` });
  }
  return new Reader(treeHost(entries));
}

const mount = (point: string, type: string, source: string) => `36 25 0:31 / ${point} rw - ${type} ${source} rw\n`;

test("claimSharedFolders() finds the device of a mounted 9p share by its tag", () => {
  const reader = readerOf(
    { "0000:00:1b.0": ["9pnet_virtio", "exchange"], "0000:00:1c.0": ["9pnet_virtio", "other"] },
    mount("/opt/exchange", "9p", "exchange"),
  );
  assert.deepEqual(claimSharedFolders(reader, []), [
    {
      kind: "mount",
      functions: ["0000:00:1b.0"],
      path: ["exchange", "/opt/exchange"],
      does: "shares the folder mounted at /opt/exchange",
    },
  ]);
});

test("claimSharedFolders() takes every virtiofs device for in use while one is mounted, and the root as the root", () => {
  const shares = { "0000:00:1b.0": ["virtiofs"], "0000:00:1c.0": ["virtiofs"] } as const;
  const claims = claimSharedFolders(readerOf(shares, mount("/", "virtiofs", "rootfs")), []);
  assert.deepEqual(
    claims.map(({ kind, functions, does }) => [kind, ...functions, does]),
    [
      ["root", "0000:00:1b.0", "may be what shares the folder mounted at /"],
      ["root", "0000:00:1c.0", "may be what shares the folder mounted at /"],
    ],
  );
});

test("claimSharedFolders() has nothing to say of shares that are not mounted, or mounted by the network", () => {
  const shares = { "0000:00:1b.0": ["9pnet_virtio", "exchange"] } as const;
  assert.deepEqual(claimSharedFolders(readerOf(shares, mount("/x", "9p", "192.0.2.1")), []), []);
  assert.deepEqual(claimSharedFolders(readerOf({}, mount("/x", "9p", "exchange")), []), []);
});
