// SPDX-License-Identifier: Apache-2.0
import { Buffer } from "node:buffer";
import { posix } from "node:path";
import type { CommandModel } from "../fake-host/commands.ts";
import { type FakeHost, type FakeMachine, labMachine } from "../fake-host/index.ts";
import { emptyQcow2 } from "../integration/qemu-tools.ts";

/** alex's machine with the programs that images are made with, and what qemu-img was called with. */
export interface StorageMachine {
  readonly machine: FakeMachine;
  readonly host: FakeHost;
  readonly qemuImg: string[][];
  /** What qemu-img says next time, instead of doing anything. */
  failNext(text: string): void;
}

/** Makes it: alex's home and runtime folder, `stat`, `mv`, and a qemu-img that makes headers of the right size. */
export function storageMachine(): StorageMachine {
  const machine = labMachine().build();
  for (const path of ["/home/alex", "/run/user/1000"]) {
    machine.open().makeDirectory(path, 0o755);
    machine.open().setOwnership(path, { uid: 1000, gid: 1000, mode: 0o700 });
  }
  machine.command("stat", stat, { mutates: false });
  machine.command("mv", move);
  const qemuImg: string[][] = [];
  let failure: string | undefined;
  machine.command("qemu-img", (args, process, of) => {
    qemuImg.push([...args]);
    if (failure !== undefined) {
      const stderr = failure;
      failure = undefined;
      return { status: 1, stderr };
    }
    return makeImage(args, process, of);
  });
  const host = machine.open("alex", { environment: { HOME: "/home/alex", XDG_RUNTIME_DIR: "/run/user/1000" } });
  const failNext = (text: string) => {
    failure = text;
  };
  return { machine, host, qemuImg, failNext };
}

const stat: CommandModel = (args, _process, { fs }) => {
  if (args.includes("--file-system")) return { stdout: "4096 1000 250\n" };
  const node = fs.find(args.at(-1) ?? "");
  if (node === undefined) return { status: 1, stderr: "stat: no such file" };
  const size = node.kind === "file" ? node.content.length : 4096;
  const type = node.kind === "directory" ? "directory" : "regular file";
  const { mode, uid, gid } = node;
  return { stdout: `${type}|${size}|8|512|${mode.toString(8)}|${uid}|${gid}|1.0|2.0|3.0\n` };
};

const move: CommandModel = (args, _process, { fs }) => {
  const [from = "", to = ""] = args.slice(-2);
  const node = fs.find(from);
  if (node === undefined || fs.find(to) !== undefined) return {};
  fs.remove(from);
  fs.directory(posix.dirname(to)).children.set(posix.basename(to), node);
  return {};
};

const makeImage: CommandModel = (args, { caller: { uid, gid } }, { fs }) => {
  const [verb] = args;
  const [first = "", second = ""] = args.slice(args.indexOf("--") + 1);
  const [path, size] = verb === "convert" ? [second, "1048576"] : [first, second];
  const isQcow2 = args[args.indexOf(verb === "convert" ? "-O" : "-f") + 1] === "qcow2";
  const content = isQcow2 ? emptyQcow2(Number(size)) : Buffer.alloc(Number(size));
  fs.add(path, { kind: "file", content, mode: 0o644, uid, gid });
  return {};
};
