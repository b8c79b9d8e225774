// SPDX-License-Identifier: Apache-2.0

import { runProgram } from "../run-program.ts";
import { suite } from "./recipe.ts";

/** Debian's own archives are served under these paths by every mirror; third parties often use `/linux/debian`. */
const archivePath = /(?<!\/linux)\/debian(-security)?$/;
const release = /^[a-z]+(-updates|-security)?$/;

/**
 * The lines of a sources.list for the lab's Debian release.
 *
 * The mirror is `HOSTDEV_LAB_MIRROR` when set; else the one that this host's own apt uses for Debian, so that a lab can be
 * built wherever the host itself can be updated; else none, and mmdebstrap takes its default.
 *
 * Touches: runs `apt-get indextargets` and `apt-get update --print-uris`, which only read the host's apt configuration.
 */
export async function mirrorSources(environment: NodeJS.ProcessEnv = process.env): Promise<readonly string[]> {
  const chosen = environment["HOSTDEV_LAB_MIRROR"];
  if (chosen !== undefined && chosen !== "") return [`deb ${chosen} ${suite} main`];
  const format = "$(CREATED_BY) $(REPO_URI) $(CODENAME) $(COMPONENT) $(ORIGIN)";
  const targets = await runProgram("apt-get", ["indextargets", "--format", format]);
  const known = sourcesFromTargets(targets.stdout);
  if (known.length > 0) return known;
  // A fresh container has no package lists yet, and so no targets.
  const uris = await runProgram("apt-get", ["update", "--print-uris"]);
  return sourcesFromUris(uris.stdout);
}

/** Picks Debian's own archives out of `apt-get indextargets` and asks them for our release. Pure. */
export function sourcesFromTargets(targets: string): readonly string[] {
  const fields = targets.split("\n").map((line) => line.split(" "));
  const debian = fields.filter(([by, , , component, origin]) => {
    return by === "Packages" && component === "main" && origin === "Debian";
  });
  return toSources(debian.map(([, uri = "", codename = ""]) => [uri, codename]));
}

/** The same from `apt-get update --print-uris`, which knows no origins: there the path tells Debian's archives. Pure. */
export function sourcesFromUris(uris: string): readonly string[] {
  const found = [...uris.matchAll(/^'(\S+?)\/dists\/([^/\s]+)\/InRelease'/gm)];
  const debian = found.filter(([, uri = ""]) => archivePath.test(uri));
  return toSources(debian.map(([, uri = "", codename = ""]) => [uri, codename]));
}

function toSources(archives: readonly (readonly [uri: string, codename: string])[]): readonly string[] {
  const sources = new Set<string>();
  for (const [uri, codename] of archives) {
    const pocket = release.exec(codename);
    if (pocket !== null) sources.add(`deb ${uri.replace(/\/$/, "")} ${suite}${pocket[1] ?? ""} main`);
  }
  return [...sources];
}
