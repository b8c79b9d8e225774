// SPDX-License-Identifier: Apache-2.0
// What others wrote is in the bundles; their licences ask that their notices go with it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes `dist/LICENSES` for the packages that the bundles have files of; `inputs` are those files, from the root. */
export function writeLicenses(root, inputs) {
  const folders = [
    ...new Set(inputs.flatMap((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+\//) ?? [])),
  ].sort();
  writeFileSync(join(root, "packages/hostdev/dist/LICENSES"), folders.map((folder) => notice(root, folder)).join("\n"));
}

function notice(root, folder) {
  const { name, version, license, author, homepage } = JSON.parse(
    readFileSync(join(root, folder, "package.json"), "utf8"),
  );
  const by = typeof author === "string" ? author : author?.name;
  const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : `\n${readFileSync(join(root, folder, file), "utf8").trim()}\n`;
  return `${name} ${version}: ${[license, by, homepage].filter(Boolean).join(", ")}\n${text}`;
}
