// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from "node:stream";
import { fileError } from "../../core/errno.ts";
import { isHostdevError } from "../../core/errors.ts";
import type { Host } from "../../core/host.ts";
import { MiB } from "../../core/units.ts";
import type { Domain } from "../../domain/domain.ts";
import { keyCodeSet } from "../key-codes.ts";
import type { LiveVm } from "../live-vm.ts";
import type { ClientHandlers } from "./client.ts";
import { requireLive } from "./domain-block.ts";
import { findDomain } from "./domain-reference.ts";
import { checkFlags, internalError, invalidArgument, invalidState, operationUnsupported } from "./libvirt-errors.ts";

/** A screen of 16 K by 16 K as PPM, which is more than any guest shows. */
const maxScreenBytes = 1024 * MiB;

/** Keys, the button for a non-maskable interrupt, and the screen. */
export const domainGuestHandlers: ClientHandlers = {
  domainSendKey: async ({ session }, { domain, codeSet, holdTimeMs, keys, flags }) => {
    checkFlags(flags, 0);
    const set = keyCodeSet(codeSet);
    if (set === undefined) throw invalidArgument(`unsupported codeset ${codeSet}`);
    const vm = requireLive(findDomain(session, domain));
    const numbers = keys.map((code) => {
      const qnum = set.toQnum(code);
      if (qnum === undefined)
        throw internalError(`cannot translate keycode ${code} of ${set.name} codeset to qnum keycode`);
      return { type: "number", data: qnum } as const;
    });
    const hold = holdTimeMs === 0 ? {} : { "hold-time": holdTimeMs };
    await vm.process.execute("send-key", { keys: numbers, ...hold });
  },
  domainInjectNmi: async ({ session }, { domain, flags }) => {
    checkFlags(flags, 0);
    await requireLive(findDomain(session, domain)).process.execute("inject-nmi");
  },
  domainPmWakeup: async ({ session }, { domain, flags }) => {
    checkFlags(flags, 0);
    await requireLive(findDomain(session, domain)).wakeup();
  },
  domainScreenshot: async ({ host, session }, { domain, screen, flags }) => {
    checkFlags(flags, 0);
    const vm = requireLive(findDomain(session, domain));
    const [device, head] = findScreen(vm.domain, screen);
    // QEMU makes the file, in the folder of the run, which is the user's own.
    const path = `${vm.process.directory}/screen-${process.pid}-${Date.now()}-${Math.floor(Math.random() * 1e9)}`;
    try {
      const mime = await dump(vm, path, device, head);
      const bytes = host.readBytes(path, maxScreenBytes);
      if (bytes === undefined) throw fileError("read", path, "ENOENT");
      const stream = new PassThrough({ highWaterMark: bytes.length + 1 });
      stream.end(bytes);
      return { reply: { mime }, stream };
    } finally {
      removeQuietly(host, path);
    }
  },
};

/** Screens are counted over all video devices; each head of one is a screen. */
function findScreen({ devices }: Domain, screen: number): readonly [device: string, head: number] {
  const videos = devices.videos.filter(({ model }) => model?.type !== "none");
  if (videos.length === 0) throw operationUnsupported("no screens to take screenshot from");
  let left = screen;
  for (const { alias = "", model } of videos) {
    const heads = model?.heads ?? 1;
    if (left < heads) return [alias, left];
    left -= heads;
  }
  throw invalidState("no such screen ID");
}

/** As PNG; QEMUs before 7.1 know PPM only. */
async function dump({ process }: LiveVm, filename: string, device: string, head: number): Promise<string> {
  const screen = { filename, device, head };
  try {
    await process.execute("screendump", { ...screen, format: "png" });
    return "image/png";
  } catch (error) {
    if (!isHostdevError(error, "HD_QMP_COMMAND") || !/'format'/.test(error.details.description)) throw error;
    await process.execute("screendump", screen);
    return "image/x-portable-pixmap";
  }
}

function removeQuietly(host: Host, path: string): void {
  try {
    host.removeFile(path);
  } catch {
    // It lies in the folder of the run, which goes with the run.
  }
}
