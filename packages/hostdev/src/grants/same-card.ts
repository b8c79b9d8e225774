// SPDX-License-Identifier: Apache-2.0
import type { FunctionIdentity, SerialNumbers } from "../pci/identity.ts";

/**
 * Whether two functions are of one kind: the same model, the same function of it. Twins are; the places are not
 * compared, except for the function's number, since the functions of a card can have one serial number. Pure.
 */
export function isSameKind(a: FunctionIdentity, b: FunctionIdentity): boolean {
  return (
    a.vendorId === b.vendorId &&
    a.deviceId === b.deviceId &&
    a.subsystemVendorId === b.subsystemVendorId &&
    a.subsystemDeviceId === b.subsystemDeviceId &&
    a.classCode === b.classCode &&
    a.revision === b.revision &&
    a.virtualFunctionIndex === b.virtualFunctionIndex &&
    functionNumber(a) === functionNumber(b)
  );
}

/** Whether this is the card that was, in its slot or in another. Pure. See decision 0008. */
export function isSameCard(was: FunctionIdentity, now: FunctionIdentity): boolean {
  if (!isSameKind(was, now)) return false;
  const numbers = compareSerials(was.serials, now.serials);
  return numbers === "same" || (numbers === "unknown" && was.path.join("/") === now.path.join("/"));
}

/** `0` of `["pci0000:00", "1c.0", "00.0"]`. */
function functionNumber({ path }: FunctionIdentity): string | undefined {
  return path.at(-1)?.split(".")[1];
}

/**
 * What the serial numbers say: only those that both sides have are compared, since which can be seen depends on the
 * driver and the caller. One that differs outweighs one that is the same. Pure.
 */
export function compareSerials(a: SerialNumbers, b: SerialNumbers): "same" | "different" | "unknown" {
  const pairs = numbersOf(a).flatMap((text, index) => {
    const other = numbersOf(b)[index];
    return text === undefined || other === undefined ? [] : [text === other];
  });
  if (pairs.includes(false)) return "different";
  return pairs.length > 0 ? "same" : "unknown";
}

/** The serial numbers that are known of a card: those seen now, else those seen before. Pure. */
export function mergeSerials(before: SerialNumbers, now: SerialNumbers): SerialNumbers {
  return {
    device: now.device ?? before.device,
    nvme: now.nvme ?? before.nvme,
    mac: now.mac.length > 0 ? now.mac : before.mac,
  };
}

/** The serial numbers in words. */
export function nameSerials(serials: SerialNumbers): string {
  return `serial number ${numbersOf(serials)
    .filter((text) => text !== undefined)
    .join(" ")}`;
}

/** Device serial number, NVMe's, MAC addresses; `undefined` for what is not known, or not a number of its own. */
function numbersOf({ device, nvme, mac }: SerialNumbers): readonly (string | undefined)[] {
  // Makers who do not number their cards leave all bits 0 or 1.
  const isNumber = (text: string | null) =>
    text !== null && text !== "" && !/^(0+|f+)$/i.test(text.replace(/[-:]/g, ""));
  return [isNumber(device) ? device : undefined, isNumber(nvme) ? nvme : undefined, mac.join(" ") || undefined].map(
    (text) => text ?? undefined,
  );
}
