// SPDX-License-Identifier: Apache-2.0
// Memory the devices may access, and the C library functions gcc takes for granted.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SIZE 4096u

void *memset(void *to, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);
bool same_text(const char *a, const char *b);

// Zeroed, page-aligned memory. All of it is taken back at once, before the next device's turn.
void *dma_alloc(size_t size);
void dma_free_all(void);

// 64 bits that differ from run to run; not a secret.
uint64_t random64(void);
