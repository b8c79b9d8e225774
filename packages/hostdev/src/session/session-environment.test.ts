// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { labMachine } from "../../test/fake-host/index.ts";
import { attribute } from "../../test/fake-host/nodes.ts";
import { parseDomain } from "../domain/parse.ts";
import { buildArguments } from "../qemu/arguments.ts";
import { capabilitiesOf } from "../qemu/capabilities.ts";
import { readFirmware } from "./host-firmware.ts";
import { nodesOfCpus, readHostNodes, readHugepages } from "./host-memory.ts";
import { freePort, isTaken, readListeners } from "./listening.ts";
import { sessionEnvironment } from "./session-environment.ts";

const descriptor = (path: string) =>
  JSON.stringify({
    "interface-types": ["uefi"],
    mapping: {
      device: "flash",
      executable: { filename: path, format: "raw" },
      "nvram-template": { filename: `${path}.vars`, format: "raw" },
    },
    targets: [{ architecture: "x86_64", machines: ["pc-q35-*"] }],
    features: [],
  });

/** A machine with firmware, hugepages and two nodes, and somebody on port 5900. */
function machine() {
  const built = labMachine()
    .file("/usr/share/qemu/firmware/50-plain.json", descriptor("/fw/plain.fd"))
    .file("/usr/share/qemu/firmware/40-hidden.json", descriptor("/fw/hidden.fd"))
    .file("/etc/qemu/firmware/40-hidden.json", "")
    .file("/home/alex/.config/qemu/firmware/60-own.json", descriptor("/home/alex/own.fd"))
    .build();
  built.fs.add("/proc/meminfo", attribute("MemAvailable: 9999999 kB\nHugepagesize:       2048 kB\n"));
  for (const size of [1048576, 2048])
    built.fs.add(`/sys/kernel/mm/hugepages/hugepages-${size}kB/free_hugepages`, attribute("4"));
  built.fs.add("/sys/devices/system/node/online", attribute("0-1"));
  built.fs.add("/sys/devices/system/node/node0/cpulist", attribute("0-3"));
  built.fs.add("/sys/devices/system/node/node1/cpulist", attribute("4-7"));
  const line = (local: string) => `\n   0: ${local} 00000000:0000 0A 00000000:00000000`;
  built.fs.add("/proc/net/tcp", attribute(` sl local_address rem_address st${line("0100007F:170C")}`));
  const v6 = "00000000000000000000000001000000:1710";
  built.fs.add("/proc/net/tcp6", attribute(` sl local_address rem_address st${line(v6)}`));
  return built;
}
const alex = () => machine().open("alex", { environment: { HOME: "/home/alex" } });

const environment = () =>
  sessionEnvironment(alex(), {
    capabilities: capabilitiesOf({ major: 10, minor: 0 }),
    emulator: "/usr/bin/qemu-system-x86_64",
    directory: "/run/vm",
    monitorPath: "/run/vm/monitor.sock",
  });

test("readFirmware() takes the user's before the system's, and nothing that is hidden", () => {
  assert.deepEqual(
    readFirmware(alex()).map(({ executable }) => executable.path),
    ["/fw/plain.fd", "/home/alex/own.fd"],
  );
});

test("readHugepages() has the default size first", () => {
  assert.deepEqual(readHugepages(alex()), [
    { sizeKiB: 2048, free: 4 },
    { sizeKiB: 1048576, free: 4 },
  ]);
});

test("readHostNodes() and nodesOfCpus() know the host's nodes; one where there is no such thing", () => {
  assert.deepEqual(readHostNodes(alex()), [0, 1]);
  assert.deepEqual(nodesOfCpus(alex(), [2, 5]), [0, 1]);
  assert.deepEqual(nodesOfCpus(alex(), [6]), [1]);
  assert.deepEqual(readHostNodes(labMachine().open()), [0]);
});

test("readListeners() reads both families; freePort() passes over taken ones", () => {
  const listeners = readListeners(alex());
  assert.deepEqual(listeners, [
    { address: "127.0.0.1", port: 5900 },
    { address: "::1", port: 5904 },
  ]);
  assert.equal(freePort(listeners, 5900), 5901);
  assert.equal(isTaken(listeners, "0.0.0.0", 5900), true);
  assert.equal(isTaken(listeners, "127.0.0.2", 5900), false);
});

/** What QEMU gets for these parts of a domain. */
const argumentsFor = (body: string, devices = "", os = "<os>") =>
  buildArguments(parseDomain(sampleDomain({ body, devices }).replace("<os>", os)), environment()).join(" ");

test("sessionEnvironment() gives a user's VM what this machine has", () => {
  const efi = argumentsFor("<features><acpi/></features>", "", "<os firmware='efi'>");
  assert.match(efi, /"filename":"\/fw\/plain.fd".*\/home\/alex\/.config\/hostdev\/nvram\/sample_VARS.fd/);
  const huge = argumentsFor("<memoryBacking><hugepages/></memoryBacking>");
  assert.match(huge, /"qom-type":"memory-backend-memfd","id":"pc.ram","hugetlb":true,"hugetlbsize":2097152/);
  assert.match(argumentsFor("", "<graphics type='vnc'/>"), /-vnc 127.0.0.1:1,/);
  assert.match(argumentsFor("<numatune><memory nodeset='1'/></numatune>"), /"host-nodes":\[1\]/);
  assert.match(argumentsFor("<cpu mode='host-model'/>"), /-cpu max /);
});

test("sessionEnvironment() says by name what this machine has not", () => {
  assert.throws(() => argumentsFor("<numatune><memory nodeset='2'/></numatune>"), /no NUMA node 2/);
  const missing = "<memoryBacking><hugepages><page size='16' unit='MiB'/></hugepages></memoryBacking>";
  assert.throws(() => argumentsFor(missing), /hugepages of 16384 KiB are not there/);
});
