// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { mirrorSources, sourcesFromTargets, sourcesFromUris } from "./mirror.ts";

test("sourcesFromTargets() takes Debian's main archives and our release", () => {
  const targets = [
    "Packages http://mirror.example/debian/ bookworm main Debian",
    "Packages http://mirror.example/debian/ bookworm contrib Debian",
    "Translations http://mirror.example/debian/ bookworm main Debian",
    "Packages http://mirror.example/debian/ bookworm-backports main Debian Backports",
    "Packages http://mirror.example/debian-security/ bookworm-security main Debian",
    "Packages http://other.example/linux/debian/ bookworm main Docker",
  ].join("\n");
  assert.deepEqual(sourcesFromTargets(targets), [
    "deb http://mirror.example/debian trixie main",
    "deb http://mirror.example/debian-security trixie-security main",
  ]);
});

test("sourcesFromUris() leaves out archives that aren't Debian's", () => {
  const uris = [
    "'http://mirror.example/debian/dists/bookworm/InRelease' mirror.example_debian 0 ",
    "'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0 ",
    "'http://other.example/linux/debian/dists/bookworm/InRelease' x 0 ",
    "'http://third.example/repo/dists/stable/InRelease' x 0 ",
  ].join("\n");
  assert.deepEqual(sourcesFromUris(uris), ["deb http://mirror.example/debian trixie main"]);
});

test("mirrorSources() prefers HOSTDEV_LAB_MIRROR", async () => {
  const sources = await mirrorSources({ HOSTDEV_LAB_MIRROR: "http://mine.example/debian" });
  assert.deepEqual(sources, ["deb http://mine.example/debian trixie main"]);
});
