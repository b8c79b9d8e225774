// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import { readDomain } from "../../domain/parse.ts";
import type { RpcClient } from "../../rpc/client.ts";
import type { DomainReference } from "../../rpc/objects.ts";
import { formatUuid } from "../../session/procedures/domain-reference.ts";
import type { Connection } from "../../session/session-api.ts";
import { connectionsOf } from "../../session/summaries.ts";
import { type Context, printJson } from "../context.ts";
import { type ConnectOptions, sessionCommand, withSession } from "../domain/domain-verb.ts";
import { reasonName, stateName } from "../domain/state-names.ts";
import { formatTable } from "../table.ts";

interface ListOptions extends ConnectOptions {
  readonly all?: true;
  readonly json?: true;
}

const examples = `
Examples:
  hostdev list --all
  hostdev list --json | jq -r '.vms[] | select(.state == "running") | .name'`;

/** `hostdev list`. */
export function listVerb(program: Command, context: Context): void {
  sessionCommand(
    program,
    "list",
    "list your VMs, and how to connect to them",
    "Lists your running VMs with how their consoles and screens are reached; with --all the defined ones too.",
  )
    .option("--all", "also those that do not run")
    .option("--json", "print JSON")
    .addHelpText("after", examples)
    .action((options: ListOptions) => run(context, options));
}

async function run(context: Context, options: ListOptions): Promise<void> {
  const { output } = context;
  const vms = await withSession(context, options, async (client) => {
    const flags = options.all === true ? 0 : 1;
    const { items } = await client.call("connectListAllDomains", { needResults: true, flags });
    return Promise.all(items.map((domain) => describe(client, domain)));
  });
  vms.sort((a, b) => (a.id ?? Number.MAX_SAFE_INTEGER) - (b.id ?? Number.MAX_SAFE_INTEGER));
  if (options.json === true) return printJson(output, { version: 1, vms });
  if (vms.length === 0) return output.print(`No VM ${options.all === true ? "is defined" : "runs"}.\n`);
  const rows = vms.map(({ id, name, state, reason, connections }) => [
    id === null ? "-" : String(id),
    name,
    reason === "" ? state : `${state} (${reason})`,
    connections.map(formatConnection).join("  "),
  ]);
  output.print(formatTable(output, ["ID", "NAME", "STATE", "CONNECT"], rows));
}

async function describe(client: RpcClient, domain: DomainReference) {
  const [{ state, reason }, { persistent }, { autostart }] = await Promise.all([
    client.call("domainGetState", { domain, flags: 0 }),
    client.call("domainIsPersistent", { domain }),
    client.call("domainGetAutostart", { domain }),
  ]);
  const isActive = domain.id !== -1;
  const { xml } = isActive ? await client.call("domainGetXmlDesc", { domain, flags: 0 }) : { xml: undefined };
  return {
    id: isActive ? domain.id : null,
    name: domain.name,
    uuid: formatUuid(domain.uuid),
    state: stateName(state),
    reason: reasonName(state, reason),
    persistent,
    autostart,
    connections: xml === undefined ? [] : readConnections(xml),
  };
}

/** Of a domain of another daemon, which may have what we cannot read, they are just not told. */
function readConnections(xml: string): readonly Connection[] {
  try {
    return connectionsOf(readDomain(xml));
  } catch {
    return [];
  }
}

function formatConnection({ kind, path, address, port }: Connection): string {
  if (path === undefined) return `${kind} ${address}:${port}`;
  return kind === "console" ? `console ${path}` : `${kind}+unix://${path}`;
}
