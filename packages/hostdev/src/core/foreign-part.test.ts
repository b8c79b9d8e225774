// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine } from "../../test/fake-host/index.ts";
import { symlink } from "../../test/fake-host/nodes.ts";
import { followPath } from "./foreign-part.ts";

/** A program of root's, to which a link leads by another link to its folder. */
function machine() {
  const built = labMachine().file("/srv/app/program.js", "").file("/tmp/program.js", "").build();
  built.fs.add("/usr/bin/program", symlink("../../opt/app/program.js"));
  built.fs.add("/opt/app", symlink("/srv/./app"));
  return built;
}

const foreign = (built: ReturnType<typeof machine>, path = "/usr/bin/program") =>
  followPath(built.open(), path).foreign?.path;
const change = (built: ReturnType<typeof machine>, path: string, rights: { uid?: number; mode?: number }) =>
  Object.assign(built.fs.find(path) ?? {}, rights);

test("followPath() follows links and finds nothing where all is root's", () => {
  assert.deepEqual(followPath(machine().open(), "/usr/bin/program"), {
    realPath: "/srv/app/program.js",
    foreign: undefined,
  });
});

for (const path of ["/", "/usr", "/usr/bin", "/opt", "/srv", "/srv/app", "/srv/app/program.js"]) {
  test(`followPath() finds ${path} that is somebody's, the group's or everybody's to write`, () => {
    for (const rights of [{ uid: 1000 }, { mode: 0o775 }, { mode: 0o757 }]) {
      const built = machine();
      change(built, path, rights);
      assert.equal(foreign(built), path, JSON.stringify(rights));
    }
  });
}

test("followPath() finds a link of somebody's, whose target he can change", () => {
  for (const path of ["/usr/bin/program", "/opt/app"]) {
    const built = machine();
    const link = symlink(path === "/opt/app" ? "/srv/app" : "../../opt/app/program.js", 1000, 1000);
    built.fs.add(path, link);
    assert.equal(foreign(built), path);
  }
});

test("followPath() takes a folder with the sticky bit, for what is root's in it", () => {
  const built = machine();
  change(built, "/tmp", { mode: 0o1777 });
  assert.equal(foreign(built, "/tmp/program.js"), undefined);
  change(built, "/tmp/program.js", { uid: 1000 });
  assert.equal(foreign(built, "/tmp/program.js"), "/tmp/program.js");
});

test("followPath() ends where nothing is, and with links that go round in circles", () => {
  const built = machine();
  built.fs.add("/srv/round", symlink("round"));
  assert.equal(foreign(built, "/srv/none/program.js"), undefined);
  assert.equal(foreign(built, "/srv/round/program.js"), undefined);
});
