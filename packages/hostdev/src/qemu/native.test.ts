// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { type SampleParts, sampleDomain } from "../../test/domain/sample-domain.ts";
import { domainToNative } from "./native.ts";

const args = (parts: SampleParts, qemuVersion = "10.0") => domainToNative(sampleDomain(parts), { qemuVersion });
const after = (list: readonly string[], option: string) => list.filter((_, index) => list[index - 1] === option);

test("domainToNative() starts with the emulator and gives each argument alone", () => {
  const list = args({});
  assert.equal(list[0], "/usr/bin/qemu-system-x86_64");
  assert.deepEqual(after(list, "-name"), ["guest=sample,debug-threads=on"]);
  assert.deepEqual(after(list, "-accel"), ["tcg"]);
});

test("domainToNative() gives a host device its place and its ROM", () => {
  const devices = "<hostdev type='pci'><source><address bus='1'/></source><boot order='1'/><rom bar='off'/></hostdev>";
  const device = after(args({ devices }), "-device").find((one) => one.includes("vfio-pci"));
  assert.equal(
    device,
    '{"driver":"vfio-pci","host":"0000:01:00.0","id":"hostdev0","bootindex":1,"bus":"pci.2","addr":"0x0","rombar":0}',
  );
});

test("domainToNative() writes for the version it is asked for", () => {
  const devices =
    "<serial type='unix'><source mode='connect' path='/s'><reconnect enabled='yes' timeout='2'/></source></serial>";
  assert.ok(after(args({ devices }), "-chardev").includes("socket,id=charserial0,path=/s,reconnect-ms=2000"));
  assert.ok(after(args({ devices }, "7.2"), "-chardev").includes("socket,id=charserial0,path=/s,reconnect=2"));
});

const newer: readonly (readonly [parts: SampleParts, message: RegExp])[] = [
  [{ devices: "<interface type='user'><model type='igb'/></interface>" }, /igb needs QEMU 8.0, and this is 7.2/],
  [{ devices: "<sound model='virtio'/>" }, /sound of model virtio needs QEMU 8.2/],
  [{ body: "<features><async-teardown enabled='yes'/></features>" }, /<async-teardown> needs QEMU 8.1/],
  [
    {
      body: "<iothreads>1</iothreads>",
      devices:
        "<disk type='file'><driver name='qemu'><iothreads><iothread id='1'/></iothreads></driver><source file='/d'/><target dev='vda'/></disk>",
    },
    /<iothreads> of a disk needs QEMU 9.0/,
  ],
];

test("domainToNative() refuses what came later than the version it is asked for", () => {
  for (const [parts, message] of newer) {
    assert.throws(() => args(parts, "7.2"), { code: "HD_DOMAIN_UNSUPPORTED", message });
    assert.ok(args(parts, "10.0").length > 0);
  }
});

test("domainToNative() refuses what depends on a host it does not look at", () => {
  assert.throws(() => args({ body: "<cpu mode='host-model'/>" }), /the processor of this host is not known/);
  assert.throws(() => args({ body: "<cpu mode='host-passthrough'/>" }), /needs KVM/);
});

test("domainToNative() chooses firmware that fits the machine", () => {
  const efi = sampleDomain({ body: "<features><acpi/></features>" }).replace("<os>", "<os firmware='efi'>");
  const [machine] = after(domainToNative(efi), "-machine");
  assert.match(machine ?? "", /smm=on.*pflash0=libvirt-pflash0-format,pflash1=libvirt-pflash1-storage/);
  const pc = efi.replace("machine='q35'", "machine='pc'");
  assert.doesNotMatch(after(domainToNative(pc), "-machine")[0] ?? "", /smm/);
});
