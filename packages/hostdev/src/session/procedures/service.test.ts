// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import { type FakeHost, labMachine } from "../../../test/fake-host/index.ts";
import { isHostdevError } from "../../core/errors.ts";
import { type ReceivedEvent, RpcClient } from "../../rpc/client.ts";
import { ServerConnection } from "../../rpc/server-connection.ts";
import { MachineFacts } from "../machine/machine-facts.ts";
import { NodeDeviceWatch } from "../node-device-watch.ts";
import type { Session, SessionListener } from "../session-api.ts";
import { noDomain } from "../session-errors.ts";
import { Pools } from "../storage/pools.ts";
import { sessionService } from "./service.ts";

/** A session without a domain, whose events the test makes. */
function emptySession() {
  const listeners = new Set<SessionListener>();
  const missing = (what: string | number): never => {
    throw noDomain(what);
  };
  const session = {
    list: () => [],
    byUuid: missing,
    byName: missing,
    byId: missing,
    onEvent: (listener: SessionListener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    problems: [],
  } as unknown as Session;
  return { session, listeners };
}

async function open(host: FakeHost = labMachine().build().open("alex"), options = {}) {
  const { session, listeners } = emptySession();
  const nodeDevices = new NodeDeviceWatch(host);
  const folder = "/home/alex/none"; // nothing is stored here
  const paths = { definitions: folder, autostart: folder, logs: folder, runtime: folder, status: folder };
  const pools = new Pools(host, { ...paths, pools: folder, poolAutostart: folder, activePools: folder });
  const service = sessionService({ host, session, machine: new MachineFacts(host), nodeDevices, pools });
  const [ours, theirs] = duplexPair();
  const server = ServerConnection.serve(theirs, service);
  const client = await RpcClient.open(ours, "qemu:///session", options);
  return { host, client, server, listeners, nodeDevices };
}

const isRefusal = (number: number, domain: number, text: RegExp) => (error: unknown) => {
  assert.ok(isHostdevError(error, "HD_LIBVIRT_ERROR"), String(error));
  assert.deepEqual({ number: error.details.number, domain: error.details.domain }, { number, domain });
  assert.match(error.message, text);
  return true;
};

const uuid = new Uint8Array(16).fill(0xab);
const ghost = { name: "ghost", uuid, id: -1 };

test("domains that are not there are refused with libvirt's number and text", async () => {
  const { client } = await open();
  const byName = client.call("domainLookupByName", { name: "ghost" });
  await assert.rejects(byName, isRefusal(42, 10, /^Domain not found: no domain with matching name 'ghost'$/));
  const byUuid = client.call("domainLookupByUuid", { uuid });
  const text = /^Domain not found: no domain with matching uuid 'abababab-abab-abab-abab-abababababab'$/;
  await assert.rejects(byUuid, isRefusal(42, 10, text));
  await assert.rejects(client.call("domainGetInfo", { domain: ghost }), isRefusal(42, 10, /^Domain not found: /));
});

test("only this user's own session is opened", async () => {
  const host = labMachine().build().open("alex");
  const { client } = await open(host);
  await assert.rejects(
    client.call("connectOpen", { name: "qemu:///system", flags: 0 }),
    isRefusal(5, 7, /qemu:\/\/\/system/),
  );
});

test("node devices are listed, counted and filtered as libvirt's flags say", async () => {
  const { client } = await open();
  const all = await client.call("connectListAllNodeDevices", { needResults: true, flags: 2 ** 31 });
  assert.ok(all.items.some(({ name }) => name === "pci_0000_01_00_0"));
  assert.equal(all.count, all.items.length);
  const pci = await client.call("connectListAllNodeDevices", { needResults: true, flags: 2 ** 31 + 2 });
  assert.ok(pci.items.every(({ name }) => name.startsWith("pci_")));
  const count = await client.call("connectListAllNodeDevices", { needResults: false, flags: 2 ** 31 + 2 });
  assert.deepEqual(count, { items: [], count: pci.count });
  const lasting = await client.call("connectListAllNodeDevices", { needResults: true, flags: 2 ** 28 });
  assert.deepEqual(lasting.items, [{ name: "computer" }]);
  const passing = await client.call("connectListAllNodeDevices", { needResults: true, flags: 2 ** 29 });
  assert.equal(passing.count, all.count - 1);
  const inactive = await client.call("connectListAllNodeDevices", { needResults: true, flags: 2 ** 30 });
  assert.equal(inactive.count, 0);
  const names = await client.call("nodeListDevices", { capability: "pci", max: 2, flags: 0 });
  assert.equal(names.names.length, 2);
});

test("a node device has its XML and parent, and one that is not there libvirt's error", async () => {
  const { client } = await open();
  const { xml } = await client.call("nodeDeviceGetXmlDesc", { name: "pci_0000_01_00_0", flags: 0 });
  assert.match(xml, /<name>pci_0000_01_00_0<\/name>[\s\S]*<iommuGroup number='11'>/);
  assert.deepEqual(await client.call("nodeDeviceGetParent", { name: "computer" }), { parent: null });
  const missing = client.call("nodeDeviceLookupByName", { name: "pci_0000_99_00_0" });
  await assert.rejects(
    missing,
    isRefusal(53, 22, /^Node device not found: no node device with matching name 'pci_0000_99_00_0'$/),
  );
});

test("detach succeeds on what is on vfio-pci, and else names the command for root", async () => {
  const machine = labMachine().build();
  const { client } = await open(machine.open("alex"));
  const name = "pci_0000_01_00_0";
  const refused =
    /^access denied: Cannot detach 0000:01:00\.0 .*bound to e1000e.*hostdev-admin grant 0000:01:00\.0 --to alex$/;
  await assert.rejects(client.call("nodeDeviceDettach", { name }), isRefusal(88, 10, refused));
  await assert.rejects(client.call("nodeDeviceDettach", { name: "computer" }), isRefusal(8, 10, /not a PCI device/));
  const unknown = client.call("nodeDeviceDetachFlags", { name, driver: "xen", flags: 0 });
  await assert.rejects(unknown, isRefusal(8, 10, /unknown driver name 'xen'/));
  await client.call("nodeDeviceReAttach", { name });
  const root = machine.open(0);
  await root.writeKernel("/sys/bus/pci/devices/0000:01:00.0/driver_override", "vfio-pci");
  await root.run("modprobe", ["vfio-pci"]);
  await root.writeKernel("/sys/bus/pci/devices/0000:01:00.0/driver/unbind", "0000:01:00.0");
  await root.writeKernel("/sys/bus/pci/drivers_probe", "0000:01:00.0");
  await client.call("nodeDeviceDetachFlags", { name, driver: "vfio", flags: 0 });
  await assert.rejects(
    client.call("nodeDeviceReAttach", { name }),
    isRefusal(88, 10, /hostdev-admin revoke 0000:01:00\.0/),
  );
  await assert.rejects(client.call("nodeDeviceReset", { name }), isRefusal(88, 10, /only root may/));
});

test("a read-only client may look, but not change", async () => {
  const { client } = await open(undefined, { readOnly: true });
  await client.call("connectListAllDomains", { needResults: true, flags: 0 });
  await assert.rejects(client.call("domainDestroy", { domain: ghost }), isRefusal(29, 7, /read only/));
});

test("events go to those who registered for them, and end with the registration", async () => {
  const { client, listeners } = await open();
  const seen: ReceivedEvent[] = [];
  client.onEvent((event) => seen.push(event));
  const domain = { name: "vm", uuid: "abababab-abab-abab-abab-abababababab", id: 3 };
  const all = await client.call("connectDomainEventCallbackRegisterAny", { eventId: 0, domain: null });
  const other = { ...ghost, uuid: new Uint8Array(16) };
  await client.call("connectDomainEventCallbackRegisterAny", { eventId: 0, domain: other });
  const io = await client.call("connectDomainEventCallbackRegisterAny", { eventId: 6, domain: ghost });
  for (const tell of listeners) tell(domain, { kind: "lifecycle", event: 2, detail: 0 });
  const failure = { kind: "io-error", path: "/d", alias: "virtio-disk0", action: 1, reason: "enospc" } as const;
  for (const tell of listeners) tell(domain, failure);
  await client.call("connectGetUri", undefined);
  assert.deepEqual(
    seen.map(({ name, callbackId }) => [name, callbackId]),
    [
      ["lifecycle", all.callbackId],
      ["ioErrorReason", io.callbackId],
    ],
  );
  const { payload } = seen[1] as ReceivedEvent;
  assert.equal((payload as { reason: string }).reason, "enospc");
  await client.call("connectDomainEventCallbackDeregisterAny", { callbackId: all.callbackId });
  await assert.rejects(
    client.call("connectDomainEventCallbackDeregisterAny", { callbackId: 99 }),
    isRefusal(8, 10, /not registered/),
  );
  await assert.rejects(
    client.call("connectDomainEventCallbackRegisterAny", { eventId: 99, domain: null }),
    isRefusal(8, 10, /99/),
  );
  client.close();
});

test("node devices tell of drivers and owners of group nodes that change", async () => {
  const machine = labMachine().build();
  const { client, nodeDevices } = await open(machine.open("alex"));
  const seen: ReceivedEvent[] = [];
  client.onEvent((event) => seen.push(event));
  const { callbackId } = await client.call("connectNodeDeviceEventRegisterAny", { eventId: 1, device: null });
  const root = machine.open(0);
  await root.writeKernel("/sys/bus/pci/devices/0000:01:00.0/driver/unbind", "0000:01:00.0");
  nodeDevices.look();
  await client.call("connectGetUri", undefined);
  assert.deepEqual(seen, [{ name: "nodeDeviceUpdate", callbackId, payload: { device: { name: "pci_0000_01_00_0" } } }]);
  await client.call("connectNodeDeviceEventDeregisterAny", { callbackId });
});

test("what a session has none of is an empty list, not an error", async () => {
  const { client } = await open();
  const all = { needResults: true, flags: 0 };
  assert.deepEqual(await client.call("connectListAllNetworks", all), { items: [], count: 0 });
  assert.deepEqual(await client.call("connectListAllStoragePools", all), { items: [], count: 0 });
  const { callbackId } = await client.call("connectNetworkEventRegisterAny", { eventId: 0, object: null });
  await client.call("connectNetworkEventDeregisterAny", { callbackId });
  const path = client.call("storageVolLookupByPath", { path: "/nothing.qcow2" });
  await assert.rejects(path, isRefusal(50, 18, /no storage vol with matching path '\/nothing\.qcow2'/));
});
