// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from "node:stream";
import { childProcess } from "./child-process.ts";
import { fileError } from "./errno.ts";
import type { SocketAddress } from "./host.ts";
import { commandNotFound } from "./real-programs.ts";

/** Node cannot send open files; this is the one that is at hand wherever libvirt's Python clients are. */
export const passingProgram = "/usr/bin/python3";

/** Connects first, so that nothing has been sent when that fails (status 3). File 3 is the line, and stays as it is. */
const passing = `
import select, socket, sys
target, port, message = sys.argv[1:]
try:
    if port == "": other = socket.socket(socket.AF_UNIX); other.connect(target)
    else: other = socket.create_connection((target, int(port)), 5)
except OSError as error:
    print(error.strerror or error, end="")
    sys.exit(3)
other.setblocking(True)
line = socket.socket(fileno=3)
message = bytes.fromhex(message)
while message:
    select.select([], [line], [], 10)
    message = message[line.send(message):]
select.select([], [line], [], 10)
socket.send_fds(line, [b"\\0"], [other.fileno()])
`;

/** `Host.passConnection` on the real machine. */
export function passConnection(line: Duplex, bytes: Uint8Array, target: SocketAddress): Promise<void> {
  const { fd } = (line as { _handle?: { fd?: number } })._handle ?? {};
  const [address, port] = "path" in target ? [target.path, ""] : [target.address, String(target.port)];
  if (fd === undefined || fd < 0) return Promise.reject(fileError("send to", "the client", "EPIPE"));
  return new Promise((resolve, reject) => {
    const args = ["-I", "-S", "-c", passing, address, port, Buffer.from(bytes).toString("hex")];
    const child = childProcess().spawn(passingProgram, args, { stdio: ["ignore", "pipe", "ignore", fd] });
    let said = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once("error", (cause) => reject(commandNotFound(passingProgram, cause)));
    child.once("close", (status) => {
      if (status === 0) return resolve();
      if (status === 3) return reject(fileError("connect to", address, "ECONNREFUSED", new Error(said)));
      line.destroy(); // what of it has arrived is unknown
      reject(fileError("send to", "the client", "EIO"));
    });
  });
}
