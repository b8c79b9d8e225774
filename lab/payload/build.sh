#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the guest payload: build.sh OUTPUT. Needs gcc that knows -m32 (no 32-bit libraries) and binutils.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUTPUT" >&2; exit 2; }
source=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for file in "$source"/start.S "$source"/*.c; do
	object=$work/$(basename "$file").o
	gcc -m32 -march=i686 -mgeneral-regs-only -std=gnu11 -Os -Wall -Wextra -Werror -ffreestanding -fno-pic -fno-pie \
		-fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns -fno-strict-aliasing \
		-fcf-protection=none -c "$file" -o "$object"
done
ld -m elf_i386 -z noexecstack --fatal-warnings -T "$source/link.ld" -o "$work/guest.elf" "$work"/*.o
objcopy -O binary -j .rom "$work/guest.elf" "$work/guest.rom"
mv "$work/guest.rom" "$1"
