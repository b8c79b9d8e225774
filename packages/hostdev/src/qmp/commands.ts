// SPDX-License-Identifier: Apache-2.0

/**
 * The monitor commands that we use, written by hand as far as we look at them: QEMU's whole schema is two hundred
 * times as large. `test/integration/qmp-schema.test.ts` holds this against the schema of a real QEMU.
 *
 * @see https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
 */

type Nothing = Readonly<Record<string, never>>;

interface BlockDeviceStats {
  readonly rd_bytes: number;
  readonly wr_bytes: number;
  readonly rd_operations: number;
  readonly wr_operations: number;
  readonly flush_operations: number;
  readonly rd_total_time_ns: number;
  readonly wr_total_time_ns: number;
  readonly flush_total_time_ns: number;
  readonly wr_highest_offset: number;
}

interface NamedBlockNode {
  readonly "node-name"?: string;
  readonly file: string;
  readonly write_threshold?: number;
  readonly image: { readonly "virtual-size": number; readonly "actual-size"?: number };
}

/** A key by the code that a PC's keyboard sends. */
interface NumberedKey {
  readonly type: "number";
  readonly data: number;
}

/** Each command with its arguments and its answer. */
export interface QmpCommands {
  balloon: { arguments: { readonly value: number }; returns: Nothing };
  "blockdev-add": { arguments: Readonly<Record<string, unknown>>; returns: Nothing };
  "blockdev-change-medium": {
    arguments: { readonly id: string; readonly filename: string; readonly format?: string; readonly force?: boolean };
    returns: Nothing;
  };
  "blockdev-del": { arguments: { readonly "node-name": string }; returns: Nothing };
  "blockdev-insert-medium": { arguments: { readonly id: string; readonly "node-name": string }; returns: Nothing };
  "blockdev-open-tray": { arguments: { readonly id: string; readonly force?: boolean }; returns: Nothing };
  "blockdev-close-tray": { arguments: { readonly id: string }; returns: Nothing };
  "blockdev-remove-medium": { arguments: { readonly id: string }; returns: Nothing };
  "block-set-write-threshold": {
    arguments: { readonly "node-name": string; readonly "write-threshold": number };
    returns: Nothing;
  };
  block_resize: { arguments: { readonly "node-name": string; readonly size: number }; returns: Nothing };
  block_set_io_throttle: { arguments: Readonly<Record<string, unknown>>; returns: Nothing };
  "calc-dirty-rate": { arguments: { readonly "calc-time": number; readonly mode: string }; returns: Nothing };
  cont: { arguments: Nothing; returns: Nothing };
  device_add: { arguments: Readonly<Record<string, unknown>>; returns: Nothing };
  device_del: { arguments: { readonly id: string }; returns: Nothing };
  getfd: { arguments: { readonly fdname: string }; returns: Nothing };
  "human-monitor-command": { arguments: { readonly "command-line": string }; returns: string };
  "inject-nmi": { arguments: Nothing; returns: Nothing };
  netdev_add: { arguments: Readonly<Record<string, unknown>>; returns: Nothing };
  netdev_del: { arguments: { readonly id: string }; returns: Nothing };
  "object-add": { arguments: { readonly "qom-type": string; readonly id: string }; returns: Nothing };
  "object-del": { arguments: { readonly id: string }; returns: Nothing };
  "qom-get": { arguments: { readonly path: string; readonly property: string }; returns: unknown };
  "query-balloon": { arguments: Nothing; returns: { readonly actual: number } };
  "query-block": {
    arguments: Nothing;
    returns: readonly {
      readonly qdev?: string;
      readonly "io-status"?: string;
      readonly inserted?: Readonly<Record<string, unknown>>;
    }[];
  };
  "query-blockstats": {
    arguments: { readonly "query-nodes"?: boolean };
    returns: readonly {
      readonly device?: string;
      readonly qdev?: string;
      readonly "node-name"?: string;
      readonly stats: BlockDeviceStats;
      readonly parent?: { readonly stats: BlockDeviceStats };
    }[];
  };
  "query-chardev": {
    arguments: Nothing;
    returns: readonly { readonly label: string; readonly filename: string; readonly "frontend-open": boolean }[];
  };
  "query-cpus-fast": {
    arguments: Nothing;
    returns: readonly { readonly "cpu-index": number; readonly "thread-id": number }[];
  };
  "query-dirty-rate": {
    arguments: Nothing;
    returns: {
      readonly status: string;
      readonly "start-time": number;
      readonly "calc-time": number;
      readonly mode: string;
      readonly "dirty-rate"?: number;
    };
  };
  "query-hotpluggable-cpus": {
    arguments: Nothing;
    returns: readonly {
      readonly type: string;
      readonly props: Readonly<Record<string, number>>;
      readonly "qom-path"?: string;
    }[];
  };
  "query-iothreads": {
    arguments: Nothing;
    returns: readonly {
      readonly id: string;
      readonly "thread-id": number;
      readonly "poll-max-ns": number;
      readonly "poll-grow": number;
      readonly "poll-shrink": number;
    }[];
  };
  "query-named-block-nodes": { arguments: { readonly flat?: boolean }; returns: readonly NamedBlockNode[] };
  "query-spice": { arguments: Nothing; returns: { readonly port?: number; readonly "tls-port"?: number } };
  "query-status": { arguments: Nothing; returns: { readonly status: string; readonly running: boolean } };
  "query-vnc-servers": {
    arguments: Nothing;
    returns: readonly { readonly server: readonly { readonly service: string; readonly websocket?: boolean }[] }[];
  };
  "rtc-reset-reinjection": { arguments: Nothing; returns: Nothing };
  screendump: {
    arguments: {
      readonly filename: string;
      readonly device?: string;
      readonly head?: number;
      readonly format?: string;
    };
    returns: Nothing;
  };
  "send-key": {
    arguments: { readonly keys: readonly NumberedKey[]; readonly "hold-time"?: number };
    returns: Nothing;
  };
  set_link: { arguments: { readonly name: string; readonly up: boolean }; returns: Nothing };
  stop: { arguments: Nothing; returns: Nothing };
  system_powerdown: { arguments: Nothing; returns: Nothing };
  system_reset: { arguments: Nothing; returns: Nothing };
  system_wakeup: { arguments: Nothing; returns: Nothing };
}

export type QmpCommand = keyof QmpCommands;
export type QmpArguments<C extends QmpCommand> = QmpCommands[C]["arguments"];
export type QmpReturn<C extends QmpCommand> = QmpCommands[C]["returns"];
