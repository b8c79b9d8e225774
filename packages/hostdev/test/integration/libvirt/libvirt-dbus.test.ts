// SPDX-License-Identifier: Apache-2.0

/**
 * libvirt-dbus on our daemon and on libvirt's, method by method and signal by signal: the same answer, or a difference
 * that is explained. The quick gate leaves the comparing out.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { lacks, type Started, skippedWhenQuick, startLibvirtd, startSessiond, TestUser, until } from "../programs.ts";
import { lacksLibvirtDbus, startSessionBus } from "../unpacked-programs.ts";
import { type DbusCase, dbusCases, dbusObjects } from "./dbus-cases.ts";

const noClient = lacksLibvirtDbus || lacks("busctl", "systemd") || lacks("qemu-system-x86_64", "qemu-system-x86");
const noDaemon = skippedWhenQuick || lacks("/usr/sbin/libvirtd", "libvirt-daemon libvirt-daemon-driver-qemu");

/** A user with a daemon, libvirt-dbus on it, and what that one tells. */
class Side {
  readonly user = new TestUser();
  #monitor: Started | undefined;
  #heard = "";

  async start(startDaemon: (user: TestUser) => Promise<unknown>): Promise<void> {
    await startDaemon(this.user);
    await startSessionBus(this.user);
    this.call(dbusCases[0] as DbusCase); // starts libvirt-dbus, which asks for events before it answers
    const match = "--match=type='signal',sender='org.libvirt'";
    const monitor = this.user.start("busctl", ["--user", "--json=short", match, "monitor"]);
    monitor.child.stdout?.on("data", (chunk: Buffer) => {
      this.#heard += chunk.toString();
    });
    await until(() => /monitor/i.test(monitor.said()), monitor);
    this.#monitor = monitor;
  }

  call({ method, args = [], ignore }: DbusCase) {
    const [object = "", member = ""] = method.split(".");
    const owner = /^(GetAll|Get|Set)$/.test(member) ? "org.freedesktop.DBus.Properties" : `org.libvirt.${object}`;
    const path = dbusObjects[object] ?? "";
    const call = ["--user", "--json=short", "call", "--", "org.libvirt", path, owner, member, ...args];
    const { status, stdout, stderr } = this.user.run("busctl", call);
    const text = status === 0 ? sorted(stdout.trim()) : stderr.trim();
    return { fails: status !== 0, text: ignore === undefined ? text : text.replace(ignore, "*") };
  }

  /**
   * What was told until the domain has gone; the same thing twice running counts once. libvirt tells now and then of
   * trouble with a monitor that QEMU closes at its end: whether it does is chance.
   */
  async signals(): Promise<readonly string[]> {
    const isGone = (text: string) => /DomainEvent .*,1,0\]$/.test(text);
    const read = () => this.#heard.split("\n").filter(Boolean).map(toSignal);
    if (this.#monitor !== undefined) await until(() => read().some(isGone), this.#monitor);
    const meant = read().filter((signal) => !/ ControlError \[\]$/.test(signal));
    return meant.filter((each, index, all) => each !== all[index - 1]);
  }
}

/** Lists of objects come in any order. */
function sorted(answer: string): string {
  if (!answer.startsWith('{"type":"ao"')) return answer;
  const { data } = JSON.parse(answer) as { readonly data: readonly (readonly string[])[] };
  return JSON.stringify([...(data[0] ?? [])].sort());
}

function toSignal(line: string): string {
  const { path, member, payload } = JSON.parse(line) as {
    readonly path: string;
    readonly member: string;
    readonly payload: { readonly data: unknown };
  };
  return `${path} ${member} ${JSON.stringify(payload.data)}`;
}

const ours = new Side();
const theirs = new Side();
before(async () => {
  if (noClient) return;
  await ours.start(startSessiond);
  if (!noDaemon) await theirs.start(startLibvirtd);
});
after(async () => {
  await ours.user.remove();
  await theirs.user.remove();
});

for (const [index, each] of dbusCases.entries()) {
  const { method, fails = false, differs } = each;
  const [onOurs, onTheirs] = typeof fails === "boolean" ? [fails, fails] : fails;
  test(`${method} (${index + 1})`, { skip: noClient }, (t) => {
    const mine = ours.call(each);
    assert.equal(mine.fails, onOurs, mine.text);
    if (noDaemon) return t.diagnostic(`not compared with libvirt: ${noDaemon}`);
    const other = theirs.call(each);
    assert.equal(other.fails, onTheirs, other.text);
    if (differs === undefined) assert.equal(mine.text, other.text);
    else assert.notEqual(mine.text, other.text, "the answers are the same now: take the explanation away");
  });
}

test("the same signals", { skip: noClient, timeout: 30_000 }, async (t) => {
  const heard = await ours.signals();
  assert.ok(
    heard.some((signal) => / DomainEvent .*,2,0\]$/.test(signal)),
    heard.join("\n"),
  ); // started
  if (noDaemon) t.diagnostic(`not compared with libvirt: ${noDaemon}`);
  else assert.deepEqual(heard, await theirs.signals());
});
