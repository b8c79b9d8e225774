// SPDX-License-Identifier: Apache-2.0
#include "memory.h"
#include "io.h"
#include "power.h"

#define POOL_SIZE (32 * PAGE_SIZE)

static uint8_t pool[POOL_SIZE] __attribute__((aligned(PAGE_SIZE)));
static size_t used;

void *memset(void *to, int value, size_t size)
{
	for (uint8_t *p = to; size; size--)
		*p++ = (uint8_t)value;
	return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
	const uint8_t *f = from;
	for (uint8_t *p = to; size; size--)
		*p++ = *f++;
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	for (const uint8_t *p = a, *q = b; size; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

bool same_text(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

void *dma_alloc(size_t size)
{
	void *memory = pool + used;
	used += (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (used > POOL_SIZE)
		fatal("memory", "out of DMA memory");
	return memset(memory, 0, size);
}

void dma_free_all(void) { used = 0; }

uint64_t random64(void)
{
	// The cycle counter starts near zero with every VM, so the clock of the day (CMOS bytes 0, 2, 4, 7) goes in too.
	static uint64_t state;
	uint32_t low, high;
	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	state += (uint64_t)high << 32 | low;
	for (uint8_t i = 0; i < 4; i++) {
		out8(0x70, i < 3 ? 2 * i : 7);
		state = state << 8 ^ state >> 56 ^ in8(0x71);
	}
	// MurmurHash3's 64-bit finaliser spreads the few changing bits over all.
	uint64_t hash = state;
	hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdu;
	hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53u;
	return hash ^ hash >> 33;
}
