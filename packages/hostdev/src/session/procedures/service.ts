// SPDX-License-Identifier: Apache-2.0
import { toHostdevError } from "../../core/errors.ts";
import type { RpcService } from "../../rpc/service.ts";
import type { Client, ClientHandlers, Service } from "./client.ts";
import { connectionHandlers } from "./connection.ts";
import { domainBlockHandlers } from "./domain-block.ts";
import { domainBlockLimitHandlers } from "./domain-block-limits.ts";
import { domainCpuHandlers } from "./domain-cpus.ts";
import { domainDeviceHandlers } from "./domain-devices.ts";
import { domainGuestHandlers } from "./domain-guest.ts";
import { domainGuestAgentHandlers } from "./domain-guest-agent.ts";
import { domainIothreadHandlers } from "./domain-iothreads.ts";
import { domainLifecycleHandlers } from "./domain-lifecycle.ts";
import { domainLookupHandlers } from "./domain-lookup.ts";
import { domainMemoryHandlers } from "./domain-memory.ts";
import { domainPinningHandlers } from "./domain-pinning.ts";
import { domainStateHandlers } from "./domain-state.ts";
import { domainStatisticsHandlers } from "./domain-statistics.ts";
import { domainTuningHandlers } from "./domain-tuning.ts";
import { hostInterfaceHandlers } from "./host-interface.ts";
import { toLibvirtPayload } from "./libvirt-errors.ts";
import { neighbourHandlers } from "./neighbours.ts";
import { nodeHandlers } from "./node.ts";
import { nodeDeviceHandlers } from "./node-device.ts";
import { qemuHandlers } from "./qemu.ts";
import { Registrations } from "./registrations.ts";
import { storagePoolHandlers } from "./storage-pools.ts";
import { storageVolumeHandlers } from "./storage-volumes.ts";

const handlers: ClientHandlers = {
  ...connectionHandlers,
  ...nodeHandlers,
  ...nodeDeviceHandlers,
  ...domainLookupHandlers,
  ...domainStateHandlers,
  ...domainLifecycleHandlers,
  ...domainDeviceHandlers,
  ...domainStatisticsHandlers,
  ...hostInterfaceHandlers,
  ...domainMemoryHandlers,
  ...domainCpuHandlers,
  ...domainPinningHandlers,
  ...domainIothreadHandlers,
  ...domainBlockHandlers,
  ...domainBlockLimitHandlers,
  ...domainGuestHandlers,
  ...domainGuestAgentHandlers,
  ...domainTuningHandlers,
  ...qemuHandlers,
  ...neighbourHandlers,
  ...storagePoolHandlers,
  ...storageVolumeHandlers,
};

/**
 * A user's session as libvirt's clients see it.
 *
 * @param log is told of our own bugs; clients are told too, but they cannot do anything about them.
 */
export function sessionService(shared: Service, log: (text: string) => void = () => {}): RpcService<Client> {
  return {
    handlers,
    passConnection: (line, bytes, target) => shared.host.passConnection(line, bytes, target),
    accept: (connection) => ({
      ...shared,
      connection,
      registrations: new Registrations(connection, shared),
    }),
    toPayload: (thrown) => {
      const { code, cause } = toHostdevError(thrown);
      if (code === "HD_INTERNAL") log(cause instanceof Error ? (cause.stack ?? cause.message) : String(thrown));
      return toLibvirtPayload(thrown);
    },
  };
}
