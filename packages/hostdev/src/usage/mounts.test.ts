// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "../core/host.ts";
import { mountOf, parseMounts, readMounts } from "./mounts.ts";
import { Reader } from "./reader.ts";

const root = "21 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw,errors=remount-ro";

test("parseMounts() takes lines with and without optional fields, and unescapes", () => {
  const plain = "36 21 0:42 /@home /home\\040of\\134us rw - btrfs /dev/sda2 rw,subvol=/@home";
  assert.deepEqual(parseMounts(`${root}\n${plain}\n`), [
    { number: "259:2", point: "/", type: "ext4", source: "/dev/nvme0n1p2", options: "rw,errors=remount-ro" },
    { number: "0:42", point: "/home of\\us", type: "btrfs", source: "/dev/sda2", options: "rw,subvol=/@home" },
  ]);
});

test("parseMounts() leaves out lines that make no sense", () => {
  assert.deepEqual(parseMounts(`nonsense\n\n1 2 3 4 5\n${root.replace(" - ", " ")}\n${root.slice(0, 30)}`), []);
});

test("mountOf() finds the innermost mount, and the last of several on one point", () => {
  const at = (point: string, source: string) => ({ number: "0:1", point, type: "ext4", source, options: "" });
  const mounts = [at("/", "a"), at("/var", "b"), at("/var/lib", "c"), at("/var", "d")];
  assert.equal(mountOf(mounts, "/var/swap")?.source, "d");
  assert.equal(mountOf(mounts, "/var/lib/x")?.source, "c");
  assert.equal(mountOf(mounts, "/various")?.source, "a");
  assert.equal(mountOf([], "/x"), undefined);
});

/** Processes 1 and 30 (we) share a mount namespace, 40 and 41 another, 50 has just ended. */
function readerFor(uid: number): Reader {
  const other = `${root}\n30 1 8:1 / /srv rw - xfs /dev/sda1 rw\n`;
  const files: Record<string, string> = {
    "/proc/self/mountinfo": root,
    "/proc/1/mountinfo": root,
    "/proc/40/mountinfo": other,
    "/proc/41/mountinfo": other,
    "/proc/50/mountinfo": other,
  };
  const namespaces: Record<string, string> = { self: "mnt:[1]", 1: "mnt:[1]", 40: "mnt:[2]", 41: "mnt:[2]" };
  const host = {
    self: { name: "alex", uid, gid: uid, groups: [uid], pid: 30 },
    readText: (path: string) => files[path],
    readLink: (path: string) => namespaces[path.split("/")[2] ?? ""],
  };
  return new Reader(host as unknown as Host);
}

test("readMounts() finds as root what is mounted in other namespaces only, once", () => {
  const { own, foreign } = readMounts(readerFor(0), ["1", "40", "41", "50"]);
  assert.deepEqual(
    own.map((mount) => mount.point),
    ["/"],
  );
  assert.deepEqual(
    foreign.map((mount) => mount.point),
    ["/srv of process 40"],
  );
});

test("readMounts() reads for a user what init has mounted", () => {
  assert.deepEqual(readMounts(readerFor(1000), []).foreign, []);
});
