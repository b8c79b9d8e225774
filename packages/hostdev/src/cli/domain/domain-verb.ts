// SPDX-License-Identifier: Apache-2.0

/** What the verbs about domains have in common: they are clients of the daemon. */
import { Buffer } from "node:buffer";
import type { Command } from "commander";
import { HostdevError, isHostdevError } from "../../core/errors.ts";
import type { RpcClient } from "../../rpc/client.ts";
import { errorCode } from "../../rpc/error-payload.ts";
import type { DomainReference } from "../../rpc/objects.ts";
import { noDomain } from "../../session/session-errors.ts";
import type { Context } from "../context.ts";
import { connectSession } from "./connect-session.ts";

export interface ConnectOptions {
  readonly connect?: string;
}

/** Begins a verb that speaks to a daemon. */
export function sessionCommand(program: Command, name: string, summary: string, description: string): Command {
  return program
    .command(name)
    .summary(summary)
    .description(description)
    .option("--connect <uri>", "another daemon: qemu:///system, qemu:///session?mode=legacy, or a socket's path");
}

/** Begins a verb about one domain. */
export function domainCommand(program: Command, name: string, summary: string, description: string): Command {
  return sessionCommand(program, name, summary, description).argument("<vm>", "name, UUID, or id of a running one");
}

/** Connects, acts, and lets go of the connection. */
export async function withSession<T>(
  { host }: Context,
  { connect }: ConnectOptions,
  act: (client: RpcClient) => Promise<T>,
): Promise<T> {
  const client = await connectSession(host, connect);
  try {
    return await act(client);
  } finally {
    client.close();
  }
}

/** The same for one domain. @throws {HostdevError} `HD_NO_DOMAIN`. */
export function withDomain<T>(
  context: Context,
  options: ConnectOptions,
  name: string,
  act: (client: RpcClient, domain: DomainReference) => Promise<T>,
): Promise<T> {
  return withSession(context, options, async (client) => act(client, await findDomain(client, name)));
}

const uuidForm = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function findDomain(client: RpcClient, name: string): Promise<DomainReference> {
  const tries = [
    ...(/^\d{1,9}$/.test(name) ? [() => client.call("domainLookupById", { id: Number(name) })] : []),
    ...(uuidForm.test(name)
      ? [() => client.call("domainLookupByUuid", { uuid: Buffer.from(name.replaceAll("-", ""), "hex") })]
      : []),
    () => client.call("domainLookupByName", { name }),
  ];
  for (const look of tries) {
    try {
      return (await look()).domain;
    } catch (error) {
      if (!isHostdevError(error, "HD_LIBVIRT_ERROR") || error.details.number !== errorCode.noDomain) throw error;
    }
  }
  throw noDomain(name);
}

/** Reads what must be one of a few words. */
export function oneOf<const T extends string>(text: string, argument: string, words: readonly T[]): T {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const details = { argument, value: text, expected: words.join(" or ") };
  throw new HostdevError("HD_INVALID_ARGUMENT", `Cannot take ${JSON.stringify(text)} as ${argument}`, details);
}
