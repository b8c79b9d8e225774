// SPDX-License-Identifier: Apache-2.0
import { HostdevError } from "../core/errors.ts";
import { MiB } from "../core/units.ts";

/** QEMU's longest replies (`query-qmp-schema`) are below 1 MiB. */
const maxLineLength = 16 * MiB;

/** A decoded message: a JSON object, since QMP sends nothing else. */
export type QmpMessage = Readonly<Record<string, unknown>>;

const texts = new WeakMap<QmpMessage, string>();

/** A message as QEMU wrote it: numbers above 2^53 are whole there. */
export function textOf(message: QmpMessage): string {
  return texts.get(message) ?? JSON.stringify(message);
}

/**
 * Takes QMP's stream apart: one JSON object a line. Pure; text in, messages out.
 *
 * @see https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
export class QmpDecoder {
  #rest = "";

  /**
   * @throws {HostdevError} `HD_QMP_PROTOCOL` for a line that is no object, or too long; nothing after it can be
   * trusted.
   */
  decode(chunk: string): readonly QmpMessage[] {
    this.#rest += chunk;
    // A long line comes in many pieces: it is not searched again for each of them.
    if (!chunk.includes("\n") && this.#rest.length <= maxLineLength) return [];
    const lines = this.#rest.split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > maxLineLength) throw protocolError(`a line longer than ${maxLineLength} characters`);
    return lines.filter((line) => line.trim() !== "").map(parseLine);
  }
}

function parseLine(line: string): QmpMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw protocolError("a line that is not JSON", cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw protocolError("a line that is no object");
  const message = value as QmpMessage;
  texts.set(message, line.trim());
  return message;
}

/** The error for what QEMU should never send. */
export function protocolError(reason: string, cause?: unknown): HostdevError<"HD_QMP_PROTOCOL"> {
  const options = cause === undefined ? {} : { cause };
  return new HostdevError("HD_QMP_PROTOCOL", `QEMU's monitor sent ${reason}`, { reason }, options);
}
