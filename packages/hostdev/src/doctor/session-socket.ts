// SPDX-License-Identifier: Apache-2.0
import { type Finding, note, ok } from "../core/finding.ts";
import type { Host } from "../core/host.ts";
import { listPids, readProc, readUid } from "../core/processes.ts";
import { readAttribute } from "../pci/sysfs.ts";
import { Reader } from "../usage/reader.ts";
import { advice } from "./problem.ts";

/**
 * Tells who serves the caller's session sockets, on which virsh and virt-manager look for a daemon. Does not connect:
 * that could start one.
 *
 * Touches: reads `$XDG_RUNTIME_DIR/libvirt`, `/proc/net/unix`, `/proc/<pid>/fd`. Needs: nothing; asks for root's nothing.
 */
export function checkSessionSocket(host: Host): readonly Finding[] {
  if (host.self.uid === 0) return [];
  const runtime = host.environment("XDG_RUNTIME_DIR");
  if (runtime === undefined) {
    return [
      advice(
        "There is no XDG_RUNTIME_DIR: this is no login session",
        "Log in, or have an administrator run: loginctl enable-linger USER",
      ),
    ];
  }
  const reader = new Reader(host);
  const names = reader.names(`${runtime}/libvirt`).filter((name) => /^(libvirt|virtqemud)-sock$/.test(name));
  if (names.length === 0) return [note("No daemon serves a libvirt session of yours")];
  const listeners = parseListeners(readAttribute(host, "/proc/net/unix") ?? "");
  return names.map((name) => {
    const path = `${runtime}/libvirt/${name}`;
    const inode = listeners.get(path);
    if (inode === undefined) return advice(`${path} is left over: nobody listens`, `Remove it: rm ${path}`);
    return ok(`${path} is served by ${findServer(host, reader, inode) ?? "a process of another user"}`);
  });
}

/** The inode of each listening socket with a path: `Num RefCount Protocol Flags Type St Inode Path`. Pure. */
export function parseListeners(text: string): ReadonlyMap<string, string> {
  const rows = text.split("\n").map((line) => /^\S+ \S+ \S+ ([0-9A-F]+) \S+ \S+\s+(\d+) (\/.*)$/i.exec(line));
  // 0x10000 is __SO_ACCEPTCON: the socket listens (net/unix/af_unix.c, unix_seq_show).
  return new Map(rows.flatMap((row) => (row !== null && isListening(row[1]) ? [[row[3] ?? "", row[2] ?? ""]] : [])));
}

function isListening(flags = "0"): boolean {
  return (Number.parseInt(flags, 16) & 0x10000) !== 0;
}

function findServer(host: Host, reader: Reader, inode: string): string | undefined {
  const own = listPids(host).filter((pid) => readUid(host, pid) === host.self.uid);
  const pid = own.find((candidate) => reader.links(`/proc/${candidate}/fd`).includes(`socket:[${inode}]`));
  return pid === undefined ? undefined : `process ${pid} (${readProc(host, pid, "comm")?.trim() ?? "?"})`;
}
