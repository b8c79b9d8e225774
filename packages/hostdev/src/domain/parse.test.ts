// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { isHostdevError } from "../core/errors.ts";
import { formatDomain, parseDomain } from "./parse.ts";

function refusal(text: string) {
  try {
    parseDomain(text, { file: "vm.xml" });
  } catch (error) {
    assert.ok(isHostdevError(error), String(error));
    return error;
  }
  return assert.fail("it was accepted");
}

test("parseDomain() fills in what libvirt fills in", () => {
  const domain = parseDomain(sampleDomain());
  assert.deepEqual(domain.os.boot, ["hd"]);
  assert.deepEqual(domain.vcpu, { count: 1, placement: "static" });
  assert.equal(domain.currentMemory?.memoryKiB, 65536);
  assert.deepEqual([domain.onPoweroff, domain.onReboot, domain.onCrash], ["destroy", "restart", "destroy"]);
  assert.equal(domain.devices.memballoon?.model, "virtio");
  assert.deepEqual(
    domain.devices.inputs.map((input) => input.type),
    ["mouse", "keyboard"],
  );
  assert.deepEqual(
    domain.devices.watchdogs.map((watchdog) => watchdog.model),
    ["itco"],
  );
});

test("parseDomain() makes the first console and the first serial port one device", () => {
  const fromConsole = parseDomain(sampleDomain({ devices: "<console type='pty'/>" }));
  assert.deepEqual(fromConsole.devices.serials[0]?.target, { port: 0, type: "isa-serial", model: "isa-serial" });
  const fromSerial = parseDomain(sampleDomain({ devices: "<serial type='pty'/>" }));
  assert.deepEqual(fromSerial.devices.consoles[0]?.target, { type: "serial", port: 0 });
});

test("parseDomain() expands machine types when it is told to what", () => {
  const domain = parseDomain(sampleDomain(), { machineAliases: { q35: "pc-q35-7.2" } });
  assert.equal(domain.os.type.machine, "pc-q35-7.2");
});

test("parseDomain() gives cards without a MAC address one that stays", () => {
  const text = sampleDomain({ devices: "<interface type='user'/><interface type='user'/>" });
  const macs = parseDomain(text).devices.interfaces.map((card) => card.mac);
  assert.match(macs[0] ?? "", /^52:54:00(:[0-9a-f]{2}){3}$/);
  assert.notEqual(macs[0], macs[1]);
  assert.deepEqual(
    parseDomain(text).devices.interfaces.map((card) => card.mac),
    macs,
  );
});

test("parseDomain() takes memory from the NUMA cells", () => {
  const cells = "<cpu><numa><cell cpus='0' memory='32' unit='MiB'/><cell memory='16' unit='MiB'/></numa></cpu>";
  assert.equal(parseDomain(sampleDomain({ memory: "", body: cells })).memory?.memoryKiB, 49152);
});

test("parseDomain() sorts disks of one bus by name and places them", () => {
  const disk = (dev: string) => `<disk type='file'><source file='/d/${dev}'/><target dev='${dev}'/></disk>`;
  const domain = parseDomain(sampleDomain({ machine: "pc", devices: ["hdc", "vdb", "hda", "vda"].map(disk).join("") }));
  assert.deepEqual(
    domain.devices.disks.map((one) => one.target.dev),
    ["hda", "hdc", "vda", "vdb"],
  );
  const [, second] = domain.devices.disks;
  assert.deepEqual(second?.address, { type: "drive", controller: 0, bus: 1, target: 0, unit: 0 });
});

test("parseDomain() forgets socket paths that libvirt's daemon made up", () => {
  const channel = (path: string) =>
    `<channel type='unix'><source mode='bind' path='${path}'/><target type='virtio' name='a'/></channel>`;
  const path = (text: string) => {
    const [first] = parseDomain(sampleDomain({ devices: channel(text) })).devices.channels;
    return first?.type === "unix" ? first.source?.path : assert.fail();
  };
  assert.equal(path("/var/lib/libvirt/qemu/channel/target/domain-3-x/a"), undefined);
  assert.equal(path("/run/user/1000/mine.sock"), "/run/user/1000/mine.sock");
});

test("formatDomain() shows aliases that nobody chose only while the domain runs", () => {
  const devices = "<input type='tablet' bus='usb'><alias name='ua-pen'/></input>";
  const domain = parseDomain(sampleDomain({ devices }));
  assert.deepEqual(formatDomain(domain).match(/<alias name='[^']*'/g), ["<alias name='ua-pen'"]);
  assert.match(formatDomain(domain, "live"), /<alias name='balloon0'/);
  assert.equal(domain.devices.memballoon?.alias, "balloon0");
});

test("formatDomain() declares the QEMU namespace when it is used", () => {
  const body =
    "<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><qemu:arg value='-x'/></qemu:commandline>";
  const text = formatDomain(parseDomain(sampleDomain({ body })));
  assert.match(text, /^<domain type='qemu' xmlns:qemu='http:\/\/libvirt\.org\/schemas\/domain\/qemu\/1\.0'>/);
  assert.match(text, /<qemu:arg value='-x'\/>/);
});

test("parseDomain() refuses what is not a domain", () => {
  assert.match(refusal("<device/>").message, /the root element is <device>, not <domain>/);
  assert.equal(refusal("no XML").code, "HD_XML_SYNTAX");
});

test("parseDomain() names file, line and column of what it refuses", () => {
  const error = refusal(sampleDomain({ devices: "\n  <redirtoaster/>" }));
  assert.equal(error.code, "HD_DOMAIN_UNSUPPORTED");
  assert.match(
    error.message,
    /^Cannot use <redirtoaster> at vm\.xml:8:3: this element is not supported inside <devices>$/,
  );
  assert.match(error.hint ?? "", /<hostdev>/);
  assert.deepEqual(error.details, {
    file: "vm.xml",
    line: 8,
    column: 3,
    element: "domain/devices/redirtoaster",
    ...pick(error),
  });
});

function pick(error: { details: unknown }): object {
  return { supported: (error.details as { supported: string }).supported };
}

test("parseDomain() gives a USB controller and the companions behind it one index, as virt-install expects", () => {
  const models = ["ich9-ehci1", "ich9-uhci1", "ich9-uhci2", "ich9-uhci3", "ich9-ehci1"];
  const domain = parseDomain(
    sampleDomain({ devices: models.map((model) => `<controller type='usb' model='${model}'/>`).join("") }),
  );
  const usb = domain.devices.controllers.filter(({ type }) => type === "usb");
  assert.deepEqual(
    usb.map(({ index }) => index),
    [0, 0, 0, 0, 1],
  );
});

test("parseDomain() forgets the mode of a user's network card, as libvirt does", () => {
  const write = (source: string) =>
    formatDomain(parseDomain(sampleDomain({ devices: `<interface type='user'>${source}</interface>` })));
  assert.doesNotMatch(write("<source mode='bridge'/>"), /<source/);
  assert.match(write("<source dev='eth0' mode='bridge'/>"), /<source dev='eth0'\/>/);
  assert.equal(
    refusal(sampleDomain({ devices: "<interface type='user'><source way='x'/></interface>" })).code,
    "HD_DOMAIN_UNSUPPORTED",
  );
});
