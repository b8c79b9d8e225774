// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FakeHost, type FakeMachine, fakeMachine } from "../../test/fake-host/index.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { readUsage } from "./read-usage.ts";

const nic0 = "0000:01:00.0";
const nic1 = "0000:02:00.0";

/** The IPv4 routes of a machine as `/proc/net/route` has them; destination, gateway and mask are as printed there. */
function routes(
  ...lines: readonly (readonly [name: string, destination: string, gateway: string, mask: string])[]
): string {
  const rows = lines.map(
    ([name, destination, gateway, mask]) => `${name}\t${destination}\t${gateway}\t0003\t0\t0\t100\t${mask}\t0\t0\t0\n`,
  );
  return `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n${rows.join("")}`;
}

const defaultBy = (name: string) => [name, "00000000", "010200C0", "00000000"] as const;
const networkBy = (name: string) => [name, "000200C0", "00000000", "00FFFFFF"] as const;

function machine() {
  return fakeMachine()
    .function(nic0, { driver: "e1000e", net: { name: "enp1s0", operstate: "up" } })
    .function(nic1, { driver: "e1000e", net: { name: "enp2s0", operstate: "up" } });
}

/** Makes interfaces on top of others: `{ bond0: ["enp1s0"] }`. */
function addUppers({ fs }: FakeMachine, uppers: Readonly<Record<string, readonly string[]>>): void {
  for (const [upper, lowers] of Object.entries(uppers)) {
    const path = `/sys/devices/virtual/net/${upper}`;
    fs.directory(path);
    fs.link(`/sys/class/net/${upper}`, path);
    for (const lower of lowers) {
      const { path: below } = fs.walk(`/sys/class/net/${lower}`, { uid: 0, gid: 0, groups: [], pid: 0 });
      fs.link(`${below}/upper_${upper}`, path);
    }
  }
}

const usesOf = (host: FakeHost) => readUsage(host, enumerateFunctions(host)).uses;
const pathsOf = (host: FakeHost) => usesOf(host).map(({ address, kind, path }) => `${address} ${kind}: ${path}`);

test("readUsage() says that an interface has the default route", () => {
  const host = machine()
    .file("/proc/net/route", routes(defaultBy("enp1s0"), networkBy("enp1s0")))
    .open();
  assert.deepEqual(usesOf(host), [
    {
      address: nic0,
      kind: "network",
      path: "enp1s0 -> default route",
      text: "0000:01:00.0 carries the default route, 192.0.2.0/24 (enp1s0 -> default route)",
    },
  ]);
});

test("readUsage() takes an interface with only a route, or only an IPv6 address, for used", () => {
  const host = machine()
    .file("/proc/net/route", routes(networkBy("enp1s0")))
    .file("/proc/net/if_inet6", "20010db8000000000000000000000007 03 40 00 80   enp2s0\n")
    .open();
  assert.deepEqual(pathsOf(host), [
    `${nic0} network: enp1s0 -> 192.0.2.0/24`,
    `${nic1} network: enp2s0 -> 2001:db8::7`,
  ]);
});

test("readUsage() leaves an interface alone that is merely up, with its link-local address", () => {
  const host = machine().file("/proc/net/if_inet6", "fe80000000000000505400fffe123456 02 40 20 80   enp1s0\n").open();
  assert.deepEqual(pathsOf(host), []);
});

test("readUsage() finds both ports of a bond that has the address", () => {
  const built = machine()
    .file("/proc/net/route", routes(networkBy("bond0")))
    .build();
  addUppers(built, { bond0: ["enp1s0", "enp2s0"] });
  assert.deepEqual(pathsOf(built.open()), [
    `${nic0} network: enp1s0 -> bond0 -> 192.0.2.0/24`,
    `${nic1} network: enp2s0 -> bond0 -> 192.0.2.0/24`,
  ]);
});

test("readUsage() goes up through a bond, its VLAN and a bridge, whichever of them have routes", () => {
  const built = machine()
    .file("/proc/net/route", routes(networkBy("bond0"), defaultBy("br5")))
    .build();
  addUppers(built, { bond0: ["enp1s0"], "bond0.5": ["bond0"], br5: ["bond0.5"] });
  assert.deepEqual(pathsOf(built.open()), [
    `${nic0} network: enp1s0 -> bond0 -> 192.0.2.0/24`,
    `${nic0} network: enp1s0 -> bond0 -> bond0.5 -> br5 -> default route`,
  ]);
});

test("readUsage() takes a port of a bridge without any address for used", () => {
  const built = machine().build();
  addUppers(built, { br0: ["enp1s0"] });
  const [use, ...others] = usesOf(built.open());
  assert.equal(use?.text, "0000:01:00.0 is part of network interface br0 (enp1s0 -> br0)");
  assert.deepEqual(others, []);
});

test("readUsage() finds the way of the SSH session by the server's address", () => {
  const built = machine()
    .file("/proc/net/route", routes(networkBy("br0"), defaultBy("enp2s0")))
    .build();
  addUppers(built, { br0: ["enp1s0"] });
  const host = built.open("root", { environment: { SSH_CONNECTION: "192.0.2.9 50000 192.0.2.2 22" } });
  const use = usesOf(host).find(({ kind }) => kind === "remote-session");
  assert.equal(use?.text, "0000:01:00.0 carries your SSH session from 192.0.2.9 (enp1s0 -> br0 -> SSH session)");
});

test("readUsage() finds the way of the SSH session by the route to the client, and by IPv6", () => {
  const built = machine()
    .file("/proc/net/route", routes(defaultBy("enp2s0")))
    .file("/proc/net/if_inet6", "20010db8000000000000000000000007 03 40 00 80   enp1s0\n")
    .build();
  const sessions = (SSH_CONNECTION: string) =>
    usesOf(built.open("root", { environment: { SSH_CONNECTION } })).filter(({ kind }) => kind === "remote-session");
  assert.deepEqual(
    sessions("203.0.113.9 50000 198.51.100.7 22").map((use) => use.path),
    ["enp2s0 -> SSH session"],
  );
  assert.deepEqual(
    sessions("2001:db8::9 50000 2001:db8::7 22").map((use) => use.path),
    ["enp1s0 -> SSH session"],
  );
  assert.deepEqual(
    sessions("fe80::9 50000 fe80::7%enp1s0 22").map((use) => use.path),
    ["enp1s0 -> SSH session"],
  );
  assert.deepEqual(sessions("garbage"), []);
});

test("readUsage() finds USB and virtio interfaces by their functions", () => {
  const host = fakeMachine()
    .function(nic0, {
      class: "0c0330",
      driver: "xhci_hcd",
      children: [{ at: "usb1/1-1/1-1:1.0/net/enx0", class: "net" }],
    })
    .function(nic1, { driver: "virtio-pci", children: [{ at: "virtio2/net/eth0", class: "net" }] })
    .file("/proc/net/route", routes(networkBy("enx0"), defaultBy("eth0")))
    .open();
  assert.deepEqual(pathsOf(host), [`${nic0} network: enx0 -> 192.0.2.0/24`, `${nic1} network: eth0 -> default route`]);
});

test("readUsage() finds an interface that another network namespace has", () => {
  const host = fakeMachine()
    .function(nic0, { driver: "e1000e", children: [{ at: "net" }] })
    .function(nic1, { driver: "virtio-pci", children: [{ at: "virtio2/net" }] })
    .function("0000:03:00.0", { driver: "mlx4_core" })
    .open();
  assert.deepEqual(pathsOf(host), [`${nic0} network: another namespace`, `${nic1} network: another namespace`]);
});
