// SPDX-License-Identifier: Apache-2.0

/**
 * Puts the names in a sysfs directory into the order in which the kernel lists them, which is libvirt's order of group
 * members and which Node hides by sorting: sysfs sorts by a hash of the name.
 *
 * Pure. Holds for 64-bit kernels since 4.7; on others the order is another one, and nothing else is wrong.
 * Source: `kernfs_name_hash` (fs/kernfs/dir.c), `partial_name_hash` (include/linux/stringhash.h), `hash_64`
 * (include/linux/hash.h).
 */
export function inKernelOrder(names: readonly string[]): readonly string[] {
  if (names.length < 2) return names;
  const keyed = names.map((name) => ({ name, hash: hashOf(name) }));
  return keyed.sort((a, b) => a.hash - b.hash || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
}

const goldenRatio = 0x61c8864680b583ebn;

function hashOf(name: string): number {
  let hash = 0n;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    hash = BigInt.asUintN(64, (hash + BigInt((code << 4) + (code >> 4))) * 11n);
  }
  return Number((BigInt.asUintN(64, hash * goldenRatio) >> 32n) & 0x7fffffffn);
}
