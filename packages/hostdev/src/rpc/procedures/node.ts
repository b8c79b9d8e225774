// SPDX-License-Identifier: Apache-2.0
import {
  listReply,
  listRequest,
  nodeDevice,
  nodeStatistic,
  optionalString,
  string,
  typedParameter,
} from "../objects.ts";
import { procedure } from "../procedure.ts";
import { chars, fixedChars, flag, i32, list, nothing, opaque, optional, struct, u32, u64 } from "../xdr.ts";

const maxDevices = 65_536;
const device = struct({ name: string });
const names = struct({ names: list(string, maxDevices) });
const number = struct({ number: i32 });
const callback = struct({ callbackId: i32 });
const statistics = struct({ params: list(nodeStatistic, 16), count: i32 });

/** The host itself. */
export const nodeProcedures = {
  nodeGetInfo: procedure(
    6,
    nothing,
    struct({
      model: fixedChars(32),
      memoryKiB: u64,
      cpus: i32,
      mhz: i32,
      nodes: i32,
      sockets: i32,
      cores: i32,
      threads: i32,
    }),
  ),
  nodeGetFreeMemory: procedure(102, nothing, struct({ bytes: u64 })),
  nodeGetSecurityModel: procedure(122, nothing, struct({ model: chars(257), doi: chars(257) })),
  nodeGetCpuStats: procedure(227, struct({ cpu: i32, count: i32, flags: u32 }), statistics),
  nodeGetMemoryStats: procedure(228, struct({ count: i32, cell: i32, flags: u32 }), statistics),
  nodeGetMemoryParameters: procedure(
    289,
    struct({ count: i32, flags: u32 }),
    struct({ params: list(typedParameter, 64), count: i32 }),
  ),
  nodeGetFreePages: procedure(
    340,
    struct({ pagesKiB: list(u32, 1024), startCell: i32, cells: u32, flags: u32 }),
    struct({ counts: list(u64, 1024) }),
  ),
  nodeGetCpuMap: procedure(
    293,
    struct({ needMap: flag, needOnline: flag, flags: u32 }),
    struct({ map: opaque(2048), online: u32, count: i32 }),
  ),
};

/** Devices of the host. */
export const nodeDeviceProcedures = {
  nodeNumOfDevices: procedure(111, struct({ capability: optionalString, flags: u32 }), number),
  nodeListDevices: procedure(112, struct({ capability: optionalString, max: i32, flags: u32 }), names),
  nodeDeviceLookupByName: procedure(113, device, device),
  nodeDeviceGetXmlDesc: procedure(114, struct({ name: string, flags: u32 }), struct({ xml: string })),
  nodeDeviceGetParent: procedure(115, device, struct({ parent: optionalString })),
  nodeDeviceNumOfCaps: procedure(116, device, number),
  nodeDeviceListCaps: procedure(117, struct({ name: string, max: i32 }), names),
  nodeDeviceDettach: procedure(118, device, nothing, { writes: true }),
  nodeDeviceReAttach: procedure(119, device, nothing, { writes: true }),
  nodeDeviceReset: procedure(120, device, nothing, { writes: true }),
  connectListAllNodeDevices: procedure(285, listRequest, listReply(nodeDevice, maxDevices)),
  nodeDeviceDetachFlags: procedure(301, struct({ name: string, driver: optionalString, flags: u32 }), nothing, {
    writes: true,
  }),
  connectNodeDeviceEventRegisterAny: procedure(374, struct({ eventId: i32, device: optional(nodeDevice) }), callback),
  connectNodeDeviceEventDeregisterAny: procedure(375, callback),
  nodeDeviceGetAutostart: procedure(433, device, struct({ autostart: flag })),
  nodeDeviceIsPersistent: procedure(435, device, struct({ persistent: flag })),
  nodeDeviceIsActive: procedure(436, device, struct({ active: flag })),
};
