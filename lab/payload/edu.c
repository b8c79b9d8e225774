// SPDX-License-Identifier: Apache-2.0
// Registers: QEMU docs/specs/edu.rst.
#include "edu.h"
#include "console.h"
#include "driver.h"
#include "fwcfg.h"
#include "irq.h"
#include "memory.h"

#define EDU_ID 0x11e81234u

#define LIVENESS 0x04
#define IRQ_STATUS 0x24
#define IRQ_ACKNOWLEDGE 0x64
#define DMA_SOURCE 0x80 // these four are 64 bits wide, but a 32-bit write sets the whole
#define DMA_TARGET 0x88
#define DMA_COUNT 0x90
#define DMA_COMMAND 0x98
#define DMA_START 0x1u
#define DMA_TO_MEMORY 0x2u
#define DMA_INTERRUPT 0x4u
#define BUFFER 0x40000u // 4 KiB inside the device, as its DMA engine addresses them

#define BYTES 1024u
#define ROGUE_ADDRESS 0x0a000000u // within the 28 bits the device can address
#define MIB (1u << 20)

static uint32_t registers;

static bool matches(const struct pci_device *device) { return device->id == EDU_ID; }

static void acknowledge(void) { mmio_write(registers, IRQ_ACKNOWLEDGE, mmio_read(registers, IRQ_STATUS)); }

static bool transfer(uint32_t source, uint32_t target, uint32_t bytes, uint32_t command)
{
	mmio_write(registers, DMA_SOURCE, source);
	mmio_write(registers, DMA_TARGET, target);
	mmio_write(registers, DMA_COUNT, bytes);
	mmio_write(registers, DMA_COMMAND, command | DMA_START);
	return WAIT_MS(5000, !(mmio_read(registers, DMA_COMMAND) & DMA_START));
}

static const char *test(struct pci_device *device)
{
	registers = device->bar[0];
	mmio_write(registers, LIVENESS, 0x12345678);
	if (mmio_read(registers, LIVENESS) != ~0x12345678u)
		return "liveness register does not invert";
	pci_irq_enable(device);
	irq_expect(acknowledge);

	uint32_t *source = dma_alloc(BYTES), *target = dma_alloc(BYTES);
	for (unsigned i = 0; i < BYTES / 4; i++)
		source[i] = (uint32_t)random64();
	if (!transfer((uint32_t)source, BUFFER, BYTES, DMA_INTERRUPT))
		return "waited 5 s for DMA from memory";
	if (!WAIT_MS(5000, irq_count >= 1))
		return "waited 5 s for the interrupt after DMA from memory";
	if (!transfer(BUFFER, (uint32_t)target, BYTES, DMA_INTERRUPT | DMA_TO_MEMORY))
		return "waited 5 s for DMA to memory";
	if (!WAIT_MS(5000, irq_count >= 2))
		return "waited 5 s for the interrupt after DMA to memory";
	if (memcmp(source, target, BYTES))
		return "DMA returned other bytes";
	report(device, "dma equal bytes=%u", BYTES);
	report(device, "interrupts=%u kind=%s", irq_count, device->irq_kind);
	return NULL;
}

const char *edu_rogue(struct pci_device *device)
{
	if (fwcfg_ram_mib() > ROGUE_ADDRESS / MIB)
		return "guest memory reaches the rogue address";
	registers = device->bar[0];
	uint32_t *cell = dma_alloc(sizeof *cell);
	uint32_t value = (uint32_t)random64();

	// The device's own buffer is changed between the write and the read, so that a refused read can't show the value.
	*cell = value;
	bool done = transfer((uint32_t)cell, BUFFER, 4, 0) && transfer(BUFFER, ROGUE_ADDRESS, 4, DMA_TO_MEMORY);
	report(device, "rogue write addr=%08x value=%08x", ROGUE_ADDRESS, value);
	*cell = ~value;
	done = done && transfer((uint32_t)cell, BUFFER, 4, 0) && transfer(ROGUE_ADDRESS, BUFFER, 4, 0);
	done = done && transfer(BUFFER, (uint32_t)cell, 4, DMA_TO_MEMORY);
	if (!done)
		return "waited 5 s for DMA";
	report(device, "rogue read addr=%08x value=%08x", ROGUE_ADDRESS, *cell);
	return *cell == value ? "DMA outside guest memory was not refused" : NULL;
}

const struct driver edu_driver = {"edu", matches, test};
