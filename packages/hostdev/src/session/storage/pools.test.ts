// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { storageMachine } from "../../../test/session/fake-storage.ts";
import { isHostdevError } from "../../core/errors.ts";
import { sessionPaths } from "../session-paths.ts";
import { formatPool } from "./pool-xml.ts";
import { Pools } from "./pools.ts";

const poolXml = (name: string, path = `/home/alex/${name}`, more = "") =>
  `<pool type='dir'><name>${name}</name>${more}<target><path>${path}</path></target></pool>`;

const isRefusal = (number: number, text: string) => (error: unknown) => {
  assert.ok(isHostdevError(error, "HD_LIBVIRT_ERROR"), String(error));
  assert.deepEqual([error.details.number, error.details.domain, error.details.detail], [number, 18, text]);
  return true;
};

function open() {
  const { machine, host } = storageMachine();
  const reopen = () => new Pools(host, sessionPaths(host));
  return { machine, host, reopen, pools: reopen() };
}

test("a pool is defined, built, started, stopped and undefined, and its folder stays", () => {
  const { host, pools } = open();
  const changes: string[] = [];
  pools.onChange(({ definition }, change) => changes.push(`${definition.name} ${change}`));
  const { uuid } = pools.define(poolXml("one", "/home/alex//one/"));
  assert.equal(pools.byName("one").definition.path, "/home/alex/one");
  assert.throws(
    () => pools.start(uuid),
    (error) => isHostdevError(error, "HD_LIBVIRT_ERROR") && /^cannot open directory .*No such file/.test(error.message),
  );
  pools.build(uuid);
  pools.start(uuid);
  assert.throws(() => pools.start(uuid), isRefusal(55, "storage pool 'one' is already active"));
  assert.throws(() => pools.undefine(uuid), isRefusal(55, "storage pool 'one' is still active"));
  pools.refresh(uuid);
  pools.stop(uuid);
  assert.throws(() => pools.folderOf(uuid), isRefusal(55, "storage pool 'one' is not active"));
  pools.undefine(uuid);
  assert.throws(() => pools.byName("one"), isRefusal(49, "no storage pool with matching name 'one'"));
  assert.equal(host.status("/home/alex/one")?.kind, "directory");
  const each = ["defined", "created", "started", "refreshed", "stopped", "undefined"];
  assert.deepEqual(
    changes,
    each.map((change) => `one ${change}`),
  );
});

test("what is defined and what is active is found again by the next daemon, also after a kill", () => {
  const { host, pools, reopen } = open();
  const { uuid } = pools.define(poolXml("kept"));
  pools.start(uuid, { build: true });
  const transient = pools.create(poolXml("passing"), { build: true });
  pools.setAutostart(uuid, true);
  assert.throws(() => pools.setAutostart(transient.uuid, true), isRefusal(1, "pool has no config file"));
  const found = reopen().list();
  assert.deepEqual(
    found.map(({ definition, isActive, saved, autostart }) => [
      definition.name,
      isActive,
      saved !== undefined,
      autostart,
    ]),
    [
      ["kept", true, true, true],
      ["passing", true, false, false],
    ],
  );
  host.writeFile(`/home/alex/.config/hostdev/pools/${uuid}.xml`, "<pool/>", 0o600);
  const [problem] = reopen().problems;
  assert.match(problem?.message ?? "", /first line does not tell a known version/);
});

test("pools that are marked start once a boot; what cannot start is told", () => {
  const { pools, reopen } = open();
  const good = pools.define(poolXml("good"));
  pools.build(good.uuid);
  for (const { uuid } of [good, pools.define(poolXml("gone"))]) pools.setAutostart(uuid, true);
  const said: string[] = [];
  pools.startMarked((text) => said.push(text));
  assert.equal(pools.byName("good").isActive, true);
  assert.deepEqual(said.length, 1);
  assert.match(said[0] ?? "", /^storage pool gone: cannot open directory/);
  pools.stop(good.uuid);
  const next = reopen();
  next.startMarked((text) => said.push(text));
  assert.equal(next.byName("good").isActive, false);
});

test("names, folders and UUIDs belong to one pool", () => {
  const { pools } = open();
  const { uuid } = pools.define(poolXml("one"));
  assert.throws(() => pools.define(poolXml("one", "/x")), isRefusal(9, `pool 'one' already exists with uuid ${uuid}`));
  assert.throws(
    () => pools.define(poolXml("two", "/home/alex/./one")),
    isRefusal(9, "Storage source conflict with pool: 'one'"),
  );
  assert.throws(
    () => pools.define(poolXml("two", "/x", `<uuid>${uuid}</uuid>`)),
    isRefusal(9, `pool 'one' is already defined with uuid ${uuid}`),
  );
  assert.equal(pools.define(poolXml("one", "/elsewhere", `<uuid>${uuid}</uuid>`)).definition.path, "/elsewhere");
});

test("what is no pool of a folder is refused by name", () => {
  const { pools } = open();
  assert.throws(() => pools.define(poolXml("a/b")), isRefusal(27, "name a/b cannot contain '/'"));
  const logical = poolXml("lvm").replace("'dir'", "'logical'");
  assert.throws(
    () => pools.define(logical),
    (error) => isHostdevError(error, "HD_DOMAIN_UNSUPPORTED"),
  );
  const nfs = poolXml("nfs", "/x", "<source><host name='server'/></source>");
  assert.throws(
    () => pools.define(nfs),
    (error) => isHostdevError(error, "HD_DOMAIN_UNSUPPORTED"),
  );
  assert.throws(
    () => pools.define(poolXml("here", "relative")),
    (error) => isHostdevError(error, "HD_DOMAIN_INVALID"),
  );
  assert.throws(
    () => pools.define("<domain/>"),
    (error) => isHostdevError(error, "HD_DOMAIN_INVALID"),
  );
});

test("a redefinition is in force after the next start", () => {
  const { pools } = open();
  const { uuid } = pools.define(poolXml("one"));
  pools.start(uuid, { build: true });
  pools.define(poolXml("one", "/home/alex/two", `<uuid>${uuid}</uuid>`));
  assert.equal(pools.byName("one").definition.path, "/home/alex/one");
  pools.stop(uuid);
  assert.equal(pools.byPath("/home/alex/two/").uuid, uuid);
});

test("a pool's folder is removed only when it is empty", () => {
  const { host, pools } = open();
  const { uuid } = pools.define(poolXml("one"));
  pools.build(uuid);
  host.writeFile("/home/alex/one/disk", "", 0o600);
  assert.throws(() => pools.deleteFolder(uuid), /failed to remove pool '\/home\/alex\/one': Directory not empty/);
  host.removeFile("/home/alex/one/disk");
  pools.deleteFolder(uuid);
  assert.equal(host.status("/home/alex/one"), undefined);
});

test("what is written of a pool can be read again", () => {
  const { pools } = open();
  const { uuid, definition } = pools.define(
    poolXml("a<&b").replace("a<&b", "a&lt;&amp;b").replace("/home/alex/a<&b", "/home/alex/x"),
  );
  pools.undefine(uuid);
  assert.deepEqual(pools.define(formatPool(definition)).definition, definition);
});
