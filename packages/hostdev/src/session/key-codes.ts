// SPDX-License-Identifier: Apache-2.0

/**
 * Keys as QEMU numbers them (QNUM: PC scan codes, 128 more behind an E0), by the numbers that others give them. What
 * libvirt 9.0 makes of each number, as its daemon says it to QEMU; 0 is no key.
 */

/** Linux' input codes from 85 on; those below are scan codes. */
const linux = [
  118, 86, 87, 88, 115, 120, 119, 121, 112, 123, 92, 156, 157, 181, 84, 184, 91, 199, 200, 201, 203, 205, 207, 208, 209,
  210, 211, 239, 160, 174, 176, 222, 89, 206, 198, 139, 126, 114, 113, 125, 219, 220, 221, 232, 133, 134, 135, 140, 248,
  100, 101, 193, 188, 245, 158, 161, 102, 223, 227, 103, 104, 105, 147, 159, 151, 130, 106, 146, 107, 166, 236, 230,
  235, 234, 233, 163, 108, 253, 153, 162, 144, 164, 177, 152, 99, 0, 129, 178, 231, 0, 0, 136, 117, 143, 246, 251, 137,
  138, 93, 94, 95, 85, 131, 247, 132, 90, 116, 249, 109, 111, 149, 150, 154, 155, 167, 168, 169, 171, 172, 173, 165,
  175, 179, 180, 182, 185, 186, 187, 189, 190, 191, 192, 229, 194, 195, 196, 197, 148, 202, 204, 212, 237, 214, 215,
  216, 217, 218, 228, 142, 213, 240, 241, 242, 243, 244,
];
const firstLinux = 85;

/** USB's usages of a keyboard. */
const usb = [
  0, 0, 0, 0, 30, 48, 46, 32, 18, 33, 34, 35, 23, 36, 37, 38, 50, 49, 24, 25, 16, 19, 31, 20, 22, 47, 17, 45, 21, 44, 2,
  3, 4, 5, 6, 7, 8, 9, 10, 11, 28, 1, 14, 15, 57, 12, 13, 26, 27, 0, 43, 39, 40, 41, 51, 52, 53, 58, 59, 60, 61, 62, 63,
  64, 65, 66, 67, 68, 87, 88, 84, 70, 198, 210, 199, 201, 211, 207, 209, 205, 203, 208, 200, 69, 181, 55, 74, 78, 156,
  79, 80, 81, 75, 76, 77, 71, 72, 73, 82, 83, 86, 221, 222, 89, 93, 94, 95, 85, 131, 247, 132, 90, 116, 249, 109, 111,
  100, 245, 158, 140, 0, 133, 135, 188, 248, 101, 0, 0, 0, 0, 0, 0, 0, 126, 0, 115, 112, 125, 121, 123, 92, 0, 0, 0,
  114, 113, 120, 119, 118, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 246, 251, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 29, 42, 56, 219, 157, 54, 184, 220, 162, 164, 144, 153, 108, 176, 174, 160, 130, 234, 233, 232, 193,
  117, 143, 136, 223, 146, 231, 161,
];

/** Scan codes that no keyboard has. */
const unusedScanCodes: ReadonlySet<number> = new Set([96, 97, 98, 110, 122, 124]);

function fromLinux(code: number): number | undefined {
  return code < firstLinux ? code : code < 260 ? (linux[code - firstLinux] ?? 0) : undefined;
}

function fromScanCode(code: number): number | undefined {
  return code < 127 && !unusedScanCodes.has(code) ? code : undefined;
}

interface CodeSet {
  readonly name: string;
  readonly toQnum: (code: number) => number | undefined;
}

/** `virKeycodeSet`: the sets by libvirt's numbers, as far as they are of use on today's keyboards. */
const codeSets: Readonly<Record<number, CodeSet>> = {
  0: { name: "linux", toQnum: fromLinux },
  1: { name: "xt", toQnum: fromScanCode },
  2: { name: "atset1", toQnum: fromScanCode },
  7: { name: "usb", toQnum: (code) => (code === 0 ? 0 : usb[code] || undefined) },
  9: { name: "qnum", toQnum: (code) => (code < 256 ? code : undefined) },
};

/** The set with this number of libvirt's; `undefined` for one that hostdev does not know. Pure. */
export function keyCodeSet(number: number): CodeSet | undefined {
  return codeSets[number];
}
