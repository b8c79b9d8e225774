// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { parseDomain } from "../domain/parse.ts";
import { helperPrograms } from "./helper-programs.ts";
import { referenceEnvironment } from "./reference.ts";

function programs(devices: string, body = "") {
  const domain = parseDomain(sampleDomain({ devices, body }));
  return helperPrograms(domain, referenceEnvironment(domain, { major: 10, minor: 0 }), "/state");
}

test("helperPrograms() is empty for domains without such devices", () => {
  assert.deepEqual(programs("<interface type='user'/>"), []);
});

test("helperPrograms() runs swtpm with a state made beforehand", () => {
  const [tpm] = programs(
    "<tpm model='tpm-crb'><backend type='emulator' version='2.0'><active_pcr_banks><sha256/></active_pcr_banks></backend></tpm>",
  );
  assert.equal(tpm?.command, "swtpm");
  assert.deepEqual(tpm?.args, [
    "socket",
    "--ctrl",
    "type=unixio,path=/dev/test,mode=0600",
    "--tpmstate",
    "dir=/state/tpm,mode=0600",
    "--tpm2",
    "--terminate",
  ]);
  assert.deepEqual(tpm?.before?.args.slice(0, 2), ["--tpmstate", "/state/tpm"]);
  assert.deepEqual(tpm?.before?.args.slice(-2), ["--pcr-banks", "sha256"]);
});

test("helperPrograms() runs virtiofsd on the folder", () => {
  const shared = "<memoryBacking><access mode='shared'/></memoryBacking>";
  const [filesystem] = programs(
    "<filesystem><driver type='virtiofs'/><binary xattr='on'><cache mode='none'/></binary><source dir='/data'/><target dir='tag'/></filesystem>",
    shared,
  );
  assert.match(filesystem?.socket ?? "", /fs0-fs\.sock$/);
  assert.deepEqual(filesystem?.args.slice(2), ["--shared-dir", "/data", "--cache", "never", "--xattr"]);
});

test("helperPrograms() tells passt which ports go where", () => {
  const [network] = programs(
    "<interface type='user'><ip address='192.0.2.7' family='ipv4' prefix='24'/><portForward proto='tcp' address='127.0.0.1' dev='lo'><range start='2222' to='22'/><range start='8000' end='8010' to='9000'/><range start='8005' exclude='yes'/></portForward><portForward proto='udp'/><backend type='passt'/></interface>",
  );
  assert.deepEqual(network?.args.slice(4), [
    ...["--address", "192.0.2.7", "--netmask", "24"],
    ...["--tcp-ports", "127.0.0.1%lo/2222:22,8000-8010:9000-9010,~8005"],
    ...["--udp-ports", "all"],
  ]);
});
