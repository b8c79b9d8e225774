// SPDX-License-Identifier: Apache-2.0
// Port I/O, memory-mapped I/O and the few other instructions C has no words for.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" ::"a"(value), "Nd"(port)); }
static inline void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" ::"a"(value), "Nd"(port)); }

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;
	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint16_t in16(uint16_t port)
{
	uint16_t value;
	asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;
	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint32_t mmio_read(uint32_t base, uint32_t offset) { return *(volatile uint32_t *)(base + offset); }
static inline void mmio_write(uint32_t base, uint32_t offset, uint32_t value)
{
	// The clobber keeps earlier stores to descriptors before the doorbell; x86 itself keeps the order.
	asm volatile("" ::: "memory");
	*(volatile uint32_t *)(base + offset) = value;
}

// An absent port or PCI function answers with all ones.
#define ABSENT8 0xffu
#define ABSENT32 0xffffffffu

// Sleeps until the next interrupt, at most one tick. Interrupts are off everywhere else; since sti takes effect
// only after the following instruction, one that arrives in between still ends the hlt.
static inline void cpu_sleep(void) { asm volatile("sti; hlt; cli" ::: "memory"); }
