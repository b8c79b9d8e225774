// SPDX-License-Identifier: Apache-2.0
// The device's interface: QEMU docs/specs/fw_cfg.rst.
#include "fwcfg.h"
#include "io.h"
#include "memory.h"

#define SELECTOR 0x510
#define DATA 0x511
#define KEY_SIGNATURE 0x00
#define KEY_RAM_SIZE 0x03
#define KEY_DIRECTORY 0x19

struct file {
	uint32_t size; // this and the next are big-endian
	uint16_t key;
	uint16_t reserved;
	char name[56];
};

static void read_data(void *to, unsigned size)
{
	asm volatile("rep insb" : "+D"(to), "+c"(size) : "d"(DATA) : "memory");
}

static void read_item(uint16_t key, void *to, unsigned size)
{
	out16(SELECTOR, key);
	read_data(to, size);
}

void fwcfg_read(const char *name, char *to, unsigned size)
{
	char signature[4];
	uint32_t count;
	to[0] = 0;
	read_item(KEY_SIGNATURE, signature, sizeof signature);
	if (memcmp(signature, "QEMU", sizeof signature))
		return;
	read_item(KEY_DIRECTORY, &count, sizeof count);
	for (count = __builtin_bswap32(count); count; count--) {
		struct file file;
		read_data(&file, sizeof file);
		if (!same_text(file.name, name))
			continue;
		uint32_t length = __builtin_bswap32(file.size);
		if (length > size - 1)
			length = size - 1;
		read_item(__builtin_bswap16(file.key), to, length);
		to[length] = 0;
		return;
	}
}

unsigned fwcfg_ram_mib(void)
{
	uint64_t bytes;
	read_item(KEY_RAM_SIZE, &bytes, sizeof bytes);
	return (unsigned)(bytes >> 20);
}
