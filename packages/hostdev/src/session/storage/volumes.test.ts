// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { storageMachine } from "../../../test/session/fake-storage.ts";
import { isHostdevError } from "../../core/errors.ts";
import { sessionPaths } from "../session-paths.ts";
import { deleteVolume, resizeVolume } from "./make-volume.ts";
import { Pools } from "./pools.ts";
import { listVolumes, readVolume } from "./volume.ts";
import { formatVolume, parseVolume } from "./volume-xml.ts";

const folder = "/home/alex/images";
const xml = (name: string, inside = "", target = "<format type='qcow2'/>") =>
  `<volume><name>${name}</name><capacity unit='MiB'>1</capacity>${inside}<target>${target}</target></volume>`;

const isRefusal = (number: number, text: RegExp) => (error: unknown) => {
  assert.ok(isHostdevError(error, "HD_LIBVIRT_ERROR"), String(error));
  assert.equal(error.details.number, number);
  assert.match(error.message, text);
  return true;
};

/** A pool, and a function that makes volumes in it. */
function open() {
  const storage = storageMachine();
  const pools = new Pools(storage.host, sessionPaths(storage.host));
  const { uuid } = pools.create(`<pool type='dir'><name>i</name><target><path>${folder}</path></target></pool>`, {
    build: true,
  });
  const make = (text: string, options = {}) => pools.makeVolume(uuid, parseVolume(text), options);
  const read = async (name: string) => {
    const volume = await readVolume(storage.host, `${folder}/${name}`);
    assert.ok(volume);
    return volume;
  };
  return { ...storage, pools, make, read };
}

test("an image is made with what its XML says, and is the user's alone", async () => {
  const { make, read, qemuImg, host } = open();
  await make(xml("a.qcow2", "", "<format type='qcow2'/><compat>1.1</compat><features><lazy_refcounts/></features>"));
  const made = ["create", "-q", "-f", "qcow2", "-o", "compat=1.1,lazy_refcounts=on"];
  assert.deepEqual(qemuImg, [[...made, "--", `${folder}/.a.qcow2.new`, "1048576"]]);
  const { capacity, format, mode, uid } = await read("a.qcow2");
  assert.deepEqual({ capacity, format, mode, uid }, { capacity: 1048576n, format: "qcow2", mode: 0o600, uid: 1000 });
  assert.deepEqual(listVolumes(host, folder), ["a.qcow2"]);
});

test("what is asked for of a raw image is reserved", async () => {
  const { make, qemuImg } = open();
  await make(xml("full", "", ""));
  await make(xml("sparse", "<allocation>0</allocation>", ""));
  assert.deepEqual(
    qemuImg.map((args) => args.includes("preallocation=falloc")),
    [true, false],
  );
});

test("no file is ever replaced, and a failure leaves nothing", async () => {
  const { make, host, failNext } = open();
  host.writeFile(`${folder}/mine`, "precious", 0o600);
  await assert.rejects(make(xml("mine")), isRefusal(90, /^storage volume 'mine' exists already$/));
  const [first, second] = await Promise.allSettled([make(xml("twice")), make(xml("twice"))]);
  assert.equal(first?.status, "fulfilled");
  assert.ok(second?.status === "rejected" && isRefusal(90, /exists already/)(second.reason));
  failNext("qemu-img: No space left on device\n");
  await assert.rejects(make(xml("unlucky")), isRefusal(1, /^internal error: qemu-img: No space left on device$/));
  assert.deepEqual(listVolumes(host, folder), ["mine", "twice"]);
  assert.deepEqual([...(host.list(folder) ?? [])].sort(), ["mine", "twice"]);
  assert.equal(host.readText(`${folder}/mine`), "precious");
});

test("a file that appears meanwhile stays", async () => {
  const { machine, make, host } = open();
  machine.command("qemu-img", (args, { caller }, { fs }) => {
    for (const path of [args.at(-2) ?? "", `${folder}/race`])
      fs.add(path, { kind: "file", content: path, mode: 0o600, uid: caller.uid, gid: caller.gid });
    return {};
  });
  await assert.rejects(make(xml("race")), isRefusal(90, /exists already/));
  assert.equal(host.readText(`${folder}/race`), `${folder}/race`);
});

test("names cannot leave the pool's folder", () => {
  for (const name of ["../x", "a/b", "/etc/passwd", "..", "."])
    assert.throws(() => parseVolume(xml(name)), isRefusal(55, /cannot contain '\/'/));
  const { host } = open();
  assert.throws(() => deleteVolume(host, folder, "../x"), isRefusal(55, /there is no volume/));
});

test("a copy is as large as its original, or larger", async () => {
  const { make, read, qemuImg } = open();
  await make(xml("old"));
  const original = await read("old");
  await make(xml("new").replace("<capacity unit='MiB'>1</capacity>", "<capacity unit='MiB'>2</capacity>"), {
    original,
  });
  const draft = `${folder}/.new.new`;
  assert.deepEqual(qemuImg.slice(1), [
    ["convert", "-f", "qcow2", "-O", "qcow2", "--", `${folder}/old`, draft],
    ["resize", "-q", "-f", "qcow2", "--", draft, "2097152"],
  ]);
});

test("an image on top of another names it with its format", async () => {
  const { make, qemuImg } = open();
  await make(xml("base"));
  await make(xml("top", `<backingStore><path>${folder}/base</path></backingStore>`));
  assert.deepEqual(qemuImg[1]?.slice(4, 8), ["-b", `${folder}/base`, "-F", "qcow2"]);
  const elsewhere = xml("top2", "<backingStore><path>json:{}</path></backingStore>");
  assert.throws(
    () => parseVolume(elsewhere),
    (error) => isHostdevError(error, "HD_DOMAIN_INVALID"),
  );
});

test("an image shrinks only when that is meant", async () => {
  const { make, read, host, qemuImg } = open();
  await make(xml("a"));
  const volume = await read("a");
  await assert.rejects(
    resizeVolume(host, volume, 512n, 0),
    isRefusal(8, /Can't shrink capacity below current capacity/),
  );
  await resizeVolume(host, volume, 1024n, 2 | 4);
  assert.deepEqual(qemuImg.at(-1), ["resize", "-q", "-f", "qcow2", "--shrink", "--", `${folder}/a`, "1047552"]);
});

test("what is written of a volume can be read as a wish for another one", async () => {
  const { make, read } = open();
  await make(xml("a"));
  const wish = parseVolume(formatVolume(await read("a")));
  assert.deepEqual([wish.name, wish.capacity, wish.format, wish.mode], ["a", 1048576n, "qcow2", 0o600]);
});

test("formats that are not made here are refused by name", () => {
  const vmdk = xml("a", "", "<format type='vmdk'/>");
  assert.throws(() => parseVolume(vmdk), isRefusal(67, /unknown volume format type vmdk/));
  const secret = xml("a", "", "<encryption format='luks'/>");
  assert.throws(
    () => parseVolume(secret),
    (error) => isHostdevError(error, "HD_DOMAIN_UNSUPPORTED"),
  );
});
