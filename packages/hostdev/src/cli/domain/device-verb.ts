// SPDX-License-Identifier: Apache-2.0
import type { Command } from "commander";
import type { RpcClient } from "../../rpc/client.ts";
import type { DomainReference } from "../../rpc/objects.ts";
import type { Context } from "../context.ts";
import { deviceXml } from "./device-argument.ts";
import { type ConnectOptions, domainCommand, withDomain } from "./domain-verb.ts";

interface ImpactOptions {
  readonly live?: true;
  readonly config?: true;
}

/** What one of the verbs that change a VM's devices does. */
export interface DeviceVerb {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly help: string;
  /** @param flags libvirt's: current 0, live 1, config 2. */
  readonly act: (client: RpcClient, domain: DomainReference, xml: string, flags: number) => Promise<unknown>;
  /** What is true then, of the VM. */
  readonly done: string;
}

/** Makes a verb `hostdev NAME VM DEVICE`. */
export function deviceVerb({ name, summary, description, help, act, done }: DeviceVerb) {
  return (program: Command, context: Context): void => {
    domainCommand(program, name, summary, description)
      .argument("<device>", "a file with the device's XML, - for standard input; or the PCI address of a device")
      .option("--live", "in the running guest; the default when it runs")
      .option("--config", "in the definition, for the next start; with --live in both")
      .addHelpText("after", help)
      .action(async (vm: string, device: string, options: ConnectOptions & ImpactOptions) => {
        const xml = deviceXml(context.host, device);
        const flags = (options.live === true ? 1 : 0) | (options.config === true ? 2 : 0);
        await withDomain(context, options, vm, (client, domain) => act(client, domain, xml, flags));
        context.output.warn(`hostdev: VM "${vm}" ${done}\n`);
      });
  };
}
