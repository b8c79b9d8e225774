// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { formatPciAddress } from "../pci/address.ts";
import { filesOf, hostdevAddresses, iommuCount, memoryBytes } from "./facts.ts";
import { parseDomain } from "./parse.ts";

test("memoryBytes() counts memory devices in", () => {
  const cells =
    "<maxMemory slots='1'>999999</maxMemory><cpu><numa><cell cpus='0' memory='64' unit='MiB'/></numa></cpu>";
  const dimm = "<memory model='dimm'><target><size unit='MiB'>32</size><node>0</node></target></memory>";
  assert.equal(memoryBytes(parseDomain(sampleDomain())), 64 * 1024 * 1024);
  assert.equal(memoryBytes(parseDomain(sampleDomain({ memory: "", body: cells, devices: dimm }))), 96 * 1024 * 1024);
});

test("hostdevAddresses() finds host devices, interfaces and NVMe disks, each once", () => {
  const devices = [
    "<hostdev type='pci'><source><address bus='1'/></source></hostdev>",
    "<interface type='hostdev'><source><address type='pci' bus='2'/></source></interface>",
    "<disk type='nvme'><source type='pci' namespace='1'><address bus='3'/></source><target dev='vda'/></disk>",
    "<disk type='nvme'><source type='pci' namespace='2'><address bus='3'/></source><target dev='vdb'/></disk>",
  ];
  const addresses = hostdevAddresses(parseDomain(sampleDomain({ devices: devices.join("") })));
  assert.deepEqual(addresses.map(formatPciAddress), ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"]);
});

test("iommuCount() counts the guest's IOMMUs", () => {
  assert.equal(iommuCount(parseDomain(sampleDomain())), 0);
  assert.equal(iommuCount(parseDomain(sampleDomain({ devices: "<iommu model='intel'/>" }))), 1);
});

test("filesOf() tells which files are read and which are written", () => {
  const devices =
    "<disk type='file'><source file='/d/a'/><target dev='vda'/></disk><disk type='file' device='cdrom'><source file='/d/b'/><target dev='sda' bus='sata'/></disk>";
  const files = filesOf(parseDomain(sampleDomain({ devices, os: "<kernel>/k</kernel>" })));
  assert.deepEqual(
    files.map(({ path, writable }) => [path, writable]),
    [
      ["/d/a", true],
      ["/d/b", false],
      ["/k", false],
    ],
  );
});

test("filesOf() goes down to what images lie on, and finds what the firmware hands out", () => {
  const devices =
    "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/d/top'/><backingStore type='file'><format type='qcow2'/><source file='/d/base'/><backingStore/></backingStore><target dev='vda'/></disk>" +
    "<hostdev type='pci'><source><address bus='1'/></source><rom file='/r'/></hostdev>";
  const body = "<sysinfo type='fwcfg'><entry name='opt/x' file='/x'/></sysinfo>";
  const files = filesOf(parseDomain(sampleDomain({ devices, body })));
  assert.deepEqual(
    files.map(({ path, purpose }) => `${path} ${purpose}`),
    ["/d/top disk vda", "/d/base backing file of disk vda", "/x fw_cfg opt/x", "/r ROM of hostdev0"],
  );
});
