// SPDX-License-Identifier: Apache-2.0
import type { Host } from "../core/host.ts";

/** Where somebody listens for TCP connections. */
export interface Listener {
  /** `127.0.0.1`, `::1`; `0.0.0.0` and `::` for all addresses. */
  readonly address: string;
  readonly port: number;
}

/** The kernel's number of the state LISTEN (include/net/tcp_states.h). */
const listening = "0A";

/** All listeners of this network namespace. Touches: reads `/proc/net/tcp` and `tcp6`. Needs: nothing. */
export function readListeners(host: Host): readonly Listener[] {
  return ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) => {
    const lines = (host.readText(path) ?? "").split("\n").slice(1);
    return lines.flatMap((line) => {
      const [, local = "", , state] = line.trim().split(/\s+/);
      const [address = "", port = ""] = local.split(":");
      return state === listening ? [{ address: readableAddress(address), port: Number.parseInt(port, 16) }] : [];
    });
  });
}

/** Whether one who listens there leaves no room for another at this address. */
export function isTaken(listeners: readonly Listener[], address: string, port: number): boolean {
  const isAny = (one: string) => one === "0.0.0.0" || one === "::";
  return listeners.some(
    (other) => other.port === port && (other.address === address || isAny(other.address) || isAny(address)),
  );
}

/** The first port from this one on that nobody listens on. */
export function freePort(listeners: readonly Listener[], first: number): number {
  let port = first;
  while (port < 65535 && listeners.some((other) => other.port === port)) port++;
  return port;
}

/** The kernel prints an address as words of four bytes, each in the machine's own order. */
function readableAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) => (word.match(/../g) ?? []).reverse());
  if (bytes.length === 4) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => `${bytes[2 * index]}${bytes[2 * index + 1]}`);
  const numbers = groups.map((group) => Number.parseInt(group, 16).toString(16));
  if (numbers.every((number) => number === "0")) return "::";
  return numbers.join(":").replace(/^(?:0:){7}/, "::");
}
