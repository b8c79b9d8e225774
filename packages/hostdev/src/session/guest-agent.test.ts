// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, duplexPair } from "node:stream";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sampleDomain } from "../../test/domain/sample-domain.ts";
import { repositoryRoot } from "../../test/style/source-tree.ts";
import { isHostdevError } from "../core/errors.ts";
import type { Host } from "../core/host.ts";
import { realHost } from "../core/real-host.ts";
import { parseDomain } from "../domain/parse.ts";
import { askAgent, callAgent, giveUpAgent, setAgentTimeout } from "./guest-agent.ts";
import { agentFileSystems, agentInterfaces } from "./guest-agent-answers.ts";
import { guestInfo } from "./guest-info.ts";
import { fillLiveDefaults } from "./live-defaults.ts";

function guest(path: string, state: "connected" | "disconnected" = "connected") {
  const source = `<source mode='bind' path='${path}'/>`;
  const target = "<target type='virtio' name='org.qemu.guest_agent.0'/>";
  const domain = parseDomain(sampleDomain({ devices: `<channel type='unix'>${source}${target}</channel>` }));
  fillLiveDefaults(domain, "/run/vm");
  for (const channel of domain.devices.channels) if (channel.target.type === "virtio") channel.target.state = state;
  return domain;
}

type Answer = (message: { execute: string; arguments?: { id?: number } }, agent: Duplex) => unknown;

/** An agent that syncs, and otherwise answers as told. */
function scripted(answer: Answer): Host {
  const connect = async () => {
    const [ours, agent] = duplexPair();
    agent.setEncoding("utf8");
    agent.on("error", () => {});
    agent.write('{"return": 5}\n{"error": {"class": "GenericError", "desc": "of an earlier client"}}\nnoise\n');
    agent.on("data", (text: string) => {
      for (const line of text.split("\n").filter((one) => one !== "")) {
        const message = JSON.parse(line);
        const result = message.execute === "guest-sync" ? { return: message.arguments.id } : answer(message, agent);
        if (result !== undefined) setImmediate(() => agent.write(`${JSON.stringify(result)}\n`));
      }
    });
    return ours;
  };
  return { connect } as unknown as Host;
}

test("callAgent() passes over what was left from before, and does one command after the other", async () => {
  let busy = 0;
  const host = scripted(({ execute }, agent) => {
    assert.equal(++busy, 1);
    setTimeout(() => {
      busy--;
      agent.write(`${JSON.stringify({ return: execute })}\n`);
    }, 5);
    return undefined;
  });
  const domain = guest("/sock");
  const names = ["guest-ping", "guest-info", "guest-get-time"];
  assert.deepEqual(await Promise.all(names.map((name) => callAgent(host, domain, name))), names);
});

test("callAgent() tells apart: no channel, nobody there, silence, refusal", async () => {
  const refusing = scripted(() => ({ error: { class: "CommandNotFound", desc: "no such command" } }));
  const silent = scripted(() => undefined);
  const bare = parseDomain(sampleDomain({}));
  const code = (host: Host, domain = guest("/sock")) => {
    setAgentTimeout(domain, 20);
    return callAgent(host, domain, "guest-x", {}).then(
      () => "done",
      (error) => [error.code, error.details.reason ?? error.details.description],
    );
  };
  assert.deepEqual(await code(refusing, bare), ["HD_NO_AGENT", undefined]);
  assert.deepEqual(await code(refusing, guest("/sock", "disconnected")), ["HD_AGENT_UNRESPONSIVE", "not-connected"]);
  assert.deepEqual(await code(silent), ["HD_AGENT_UNRESPONSIVE", "silent"]);
  assert.deepEqual(await code(refusing), ["HD_AGENT_COMMAND", "no such command"]);
});

test("callAgent() waits as long as it takes, but not for an agent that goes away", async () => {
  const domain = guest("/sock");
  const asked: string[] = [];
  const host = scripted(({ execute }) => void asked.push(execute));
  const answer = callAgent(host, domain, "guest-fstrim");
  for (let left = 100; left > 0 && asked.length === 0; left--) await sleep(10);
  giveUpAgent(domain);
  await assert.rejects(answer, (error) => isHostdevError(error, "HD_AGENT_UNRESPONSIVE"));
});

test("callAgent() does not wait for its turn for ever, and what was given up is not done later", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const asked: string[] = [];
  const domain = guest("/sock");
  const host = scripted(({ execute }) => void asked.push(execute));
  const first = callAgent(host, domain, "guest-fstrim");
  const second = callAgent(host, domain, "guest-set-time");
  for (let left = 100; left > 0 && asked.length === 0; left--) await new Promise((go) => setImmediate(go));
  context.mock.timers.tick(30_000);
  await assert.rejects(second, /has not finished an earlier command/);
  giveUpAgent(domain);
  await assert.rejects(first, /went away before it answered/);
  await new Promise((go) => setImmediate(go));
  assert.deepEqual(asked, ["guest-fstrim"]);
});

test("askAgent() takes silence for obedience, and a refusal for one", async () => {
  const asked: unknown[] = [];
  const domain = guest("/sock");
  await askAgent(
    scripted((message) => void asked.push(message)),
    domain,
    "reboot",
  );
  assert.deepEqual(asked, [{ execute: "guest-shutdown", arguments: { mode: "reboot" } }]);
  const told: unknown[] = [];
  const asleep = askAgent(
    scripted((message) => void told.push(message)),
    domain,
    "suspend-ram",
  );
  for (let left = 100; left > 0 && told.length === 0; left--) await sleep(10);
  assert.deepEqual(told, [{ execute: "guest-suspend-ram" }]);
  giveUpAgent(domain);
  await asleep;
  const refusing = scripted(() => ({ error: { desc: "not now" } }));
  await assert.rejects(askAgent(refusing, guest("/sock"), "powerdown"), (error) =>
    isHostdevError(error, "HD_AGENT_COMMAND"),
  );
});

test("what an agent answers is believed only in its form", () => {
  assert.deepEqual(agentInterfaces("nonsense"), []);
  assert.deepEqual(agentInterfaces([{ name: 5, "ip-addresses": [null, { prefix: -1 }] }]), [
    { name: "", mac: null, addresses: [{ type: 0, address: "", prefix: 2 ** 32 - 1 }] },
  ]);
  assert.deepEqual(agentFileSystems([7, null], guest("/sock")), []);
});

const program = join(repositoryRoot, ".cache/debian/usr/sbin/qemu-ga");
const skip = !existsSync(program) && `there is no ${program}: npm test unpacks it there`;

test("QEMU's own agent, run here instead of in a guest, answers as expected", { skip, timeout: 30_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "hd-agent-"));
  const path = join(folder, "sock");
  const agent: ChildProcess = spawn(program, ["-m", "unix-listen", "-p", path, "-t", folder], { stdio: "ignore" });
  after(() => {
    agent.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  for (let left = 100; left > 0 && !existsSync(path); left--) await sleep(50);
  const host = realHost();
  const domain = guest(path);
  const ask = (command: string) => callAgent(host, domain, command);
  assert.deepEqual(await ask("guest-get-host-name"), { "host-name": hostname() });
  assert.ok(agentInterfaces(await ask("guest-network-get-interfaces")).some(({ name }) => name === "lo"));
  const fields = (await guestInfo(ask, 0, domain)).map(({ field }) => field);
  for (const field of ["os.id", "hostname", "timezone.offset", "if.count", "if.0.addr.count", "user.count"]) {
    assert.ok(fields.includes(field), `${field} is not in ${fields.join(" ")}`);
  }
  await assert.rejects(ask("guest-nonsense"), (error) => isHostdevError(error, "HD_AGENT_COMMAND"));
});
