// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIpv6, interfacesTo, parseIpv4Routes, parseIpv6Addresses, parseIpv6Routes } from "./ip-tables.ts";

const ipv4Table = [
  "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
  "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
  "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
  "eth1\t800200C0\t00000000\t0001\t0\t0\t0\t80FFFFFF\t0\t0\t0",
  "eth2\t076433C6\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0",
].join("\n");

test("parseIpv4Routes() reads networks in address order, and skips the heading and nonsense", () => {
  const routes = parseIpv4Routes(`${ipv4Table}\ngarbage\neth9 XXXXXXXX 0 0 0 0 0 0\n`);
  assert.deepEqual(
    routes.map((route) => [route.interface, route.text, route.isDirect]),
    [
      ["eth0", "default route", false],
      ["eth0", "192.0.2.0/24", true],
      ["eth1", "192.0.2.128/25", true],
      ["eth2", "198.51.100.7/32", true],
    ],
  );
});

test("interfacesTo() takes the longest prefix", () => {
  const routes = parseIpv4Routes(ipv4Table);
  assert.deepEqual(interfacesTo(routes, "192.0.2.200"), ["eth1"]);
  assert.deepEqual(interfacesTo(routes, "192.0.2.20"), ["eth0"]);
  assert.deepEqual(interfacesTo(routes, "203.0.113.1"), ["eth0"]);
  assert.deepEqual(interfacesTo(routes, "2001:db8::1"), []);
  assert.deepEqual(interfacesTo([], "192.0.2.1"), []);
});

test("parseIpv6Addresses() leaves link-local addresses out", () => {
  const table = [
    "fe8000000000000000fc00fffe000001 04 40 20 80     eth0",
    "fd000000000000000000000000000002 04 40 00 82     eth0",
    "20010db8000000000000000000000007 05 40 00 00     eth1",
    "nonsense",
  ].join("\n");
  assert.deepEqual(parseIpv6Addresses(table), [
    { interface: "eth0", text: "fd00::2" },
    { interface: "eth1", text: "2001:db8::7" },
  ]);
});

test("parseIpv6Routes() leaves out routes that every interface has, that go nowhere, or to this machine", () => {
  const zeros = "0".repeat(32);
  const line = (network: string, length: string, flags: string, name: string) =>
    `${network} ${length} ${zeros} 00 ${zeros} 00000100 00000001 00000000 ${flags}     ${name}`;
  const table = [
    line("fd000000000000000000000000000000", "40", "00000001", "eth0"),
    line("fe800000000000000000000000000000", "40", "00000001", "eth0"),
    line("ff000000000000000000000000000000", "08", "00000001", "eth0"),
    line("fd000000000000000000000000000002", "80", "80200001", "eth0"),
    line(zeros, "00", "00000003", "eth1"),
    line(zeros, "00", "00200200", "lo"),
  ].join("\n");
  assert.deepEqual(parseIpv6Routes(table), [
    { interface: "eth0", text: "fd00::/64" },
    { interface: "eth1", text: "default route" },
  ]);
});

test("formatIpv6() gives every spelling the same", () => {
  for (const spelling of ["20010db8000000000000000000000007", "2001:DB8:0:0::7", "2001:db8::7"]) {
    assert.equal(formatIpv6(spelling), "2001:db8::7");
  }
  for (const other of ["", "192.0.2.1", "eth0", ":", "1:2", "2001:db8::7%eth0"])
    assert.equal(formatIpv6(other), undefined);
});
