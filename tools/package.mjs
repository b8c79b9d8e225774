// SPDX-License-Identifier: Apache-2.0
// Makes the Debian package: build/hostdev_VERSION_all.deb. Needs dpkg-deb, no root. Run after tools/build.mjs.
// By hand and not by debhelper: that is a hundred packages of the machine for what are some files and three short scripts.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "packages/hostdev/dist");
const { version } = JSON.parse(readFileSync(join(root, "packages/hostdev/package.json"), "utf8"));
const maintainer = `${process.env.DEBFULLNAME ?? "The hostdev authors"} <${process.env.DEBEMAIL ?? "hostdev@localhost"}>`;
const tree = mkdtempSync(join(tmpdir(), "hostdev-package-"));
try {
  putPrograms();
  putCompletions();
  putSystemFiles();
  putDocumentation();
  putControl();
  const file = join(root, `build/hostdev_${version}_all.deb`);
  mkdirSync(dirname(file), { recursive: true });
  // The same build gives the same bytes: the files are as old as the commit.
  const when = execFileSync("git", ["log", "-1", "--format=%ct"], { cwd: root, encoding: "utf8" }).trim();
  const env = { ...process.env, SOURCE_DATE_EPOCH: process.env.SOURCE_DATE_EPOCH ?? when };
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zxz", "--build", tree, file], { env, stdio: "pipe" });
  console.log(`${file}\n  install it: sudo apt install ${file}`);
} finally {
  rmSync(tree, { recursive: true, force: true });
}

function put(path, content, mode = 0o644) {
  const target = join(tree, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

function putPrograms() {
  const isProgram = (path) => !/\/(types|index\.js)$/.test(path);
  cpSync(dist, join(tree, "usr/lib/hostdev"), { recursive: true, filter: isProgram });
  put("usr/lib/hostdev/package.json", `${JSON.stringify({ name: "hostdev", version, type: "module" })}\n`);
  mkdirSync(join(tree, "usr/bin"));
  for (const name of ["hostdev", "hostdev-admin", "hostdev-sessiond"])
    symlinkSync(`../lib/hostdev/${name}.js`, join(tree, "usr/bin", name));
}

function putCompletions() {
  const folders = {
    bash: (name) => `usr/share/bash-completion/completions/${name}`,
    zsh: (name) => `usr/share/zsh/vendor-completions/_${name}`,
    fish: (name) => `usr/share/fish/vendor_completions.d/${name}.fish`,
  };
  for (const name of ["hostdev", "hostdev-admin"]) {
    for (const [shell, pathOf] of Object.entries(folders))
      put(pathOf(name), execFileSync(process.execPath, [join(dist, `${name}.js`), "completion", shell]));
  }
}

function putSystemFiles() {
  const folders = {
    "packaging/systemd": "usr/lib/systemd/system",
    "packaging/systemd/user": "usr/lib/systemd/user",
    "packaging/udev": "usr/lib/udev/rules.d",
  };
  for (const [from, to] of Object.entries(folders)) {
    for (const entry of readdirSync(join(root, from), { withFileTypes: true }))
      if (entry.isFile()) put(join(to, entry.name), readFileSync(join(root, from, entry.name)));
  }
}

function putDocumentation() {
  for (const name of readdirSync(join(root, "docs/man")).filter((name) => !name.endsWith(".in")))
    put(
      `usr/share/man/man${name.at(-1)}/${name}.gz`,
      gzipSync(readFileSync(join(root, "docs/man", name)), { level: 9 }),
    );
  const documents = "usr/share/doc/hostdev";
  put(`${documents}/CHANGELOG.md.gz`, gzipSync(readFileSync(join(root, "CHANGELOG.md")), { level: 9 }));
  const own =
    "hostdev is under the Apache License 2.0: /usr/share/common-licenses/Apache-2.0. What it contains of others:\n\n";
  put(`${documents}/copyright`, own + readFileSync(join(dist, "LICENSES"), "utf8"));
}

function putControl() {
  const kilobytes = execFileSync("du", ["-sk", "--apparent-size", tree], { encoding: "utf8" }).split("\t")[0];
  const values = { VERSION: version, SIZE: kilobytes, MAINTAINER: maintainer };
  const folder = join(root, "packaging/debian");
  const control = readFileSync(join(folder, "control.in"), "utf8").replace(/@(\w+)@/g, (_, name) => values[name]);
  put("DEBIAN/control", control);
  for (const name of ["postinst", "prerm", "postrm"]) put(`DEBIAN/${name}`, readFileSync(join(folder, name)), 0o755);
  // Whatever umask the checkout was made with.
  execFileSync("chmod", ["-R", "u=rwX,go=rX", tree]);
}
