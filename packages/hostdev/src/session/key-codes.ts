// SPDX-License-Identifier: Apache-2.0

/** `virKeycodeSet`, of which the others are of other systems. */
const codeSet = { linux: 0, xt: 1, qnum: 9 } as const;

/** Below, Linux numbers keys as the keyboard of the first PCs did; from here to `menu`, as follows. */
const zenkaku = 85;
const others: readonly number[] = [
  // zenkaku/hankaku, 102nd, F11, F12, ro, katakana, hiragana, henkan, katakana/hiragana, muhenkan, comma of the block
  0x76, 0x56, 0x57, 0x58, 0x73, 0x78, 0x77, 0x79, 0x70, 0x7b, 0x5c,
  // enter of the block, right control, slash of the block, print, right alt, line feed, home, up, page up, left, right
  0x9c, 0x9d, 0xb5, 0x54, 0xb8, 0x5b, 0xc7, 0xc8, 0xc9, 0xcb, 0xcd,
  // end, down, page down, insert, delete, macro, mute, quieter, louder, power, equals and sign of the block
  0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xef, 0xa0, 0xae, 0xb0, 0xde, 0x59, 0xce,
  // pause, all windows, comma of the block again, hangul, hanja, yen, left meta, right meta, menu
  0xc6, 0x8b, 0x7e, 0x72, 0x71, 0x7d, 0xdb, 0xdc, 0xdd,
];

/**
 * A key as QEMU's monitor numbers it: the code of the PC's keyboard (XT, set 1), with bit 7 for keys that send 0xe0
 * before it. The same as libvirt's for every key that Linux has a number below 128 for.
 *
 * @returns `undefined` for a key or a set of codes that is not known here.
 * @see linux/input-event-codes.h
 */
export function toQemuKey(set: number, code: number): number | undefined {
  if (set === codeSet.qnum) return code > 0 && code < 256 ? code : undefined;
  if (set === codeSet.xt) return code > 0 && code < 128 ? code : undefined;
  if (set !== codeSet.linux || code < 1) return undefined;
  return code < zenkaku ? code : others[code - zenkaku];
}
