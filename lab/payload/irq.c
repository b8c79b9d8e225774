// SPDX-License-Identifier: Apache-2.0
#include "irq.h"
#include "console.h"
#include "memory.h"
#include "power.h"

// Local APIC (Intel SDM vol. 3, "Local APIC Register Address Map").
#define LAPIC 0xfee00000u
#define LAPIC_EOI 0x0b0
#define LAPIC_SPURIOUS 0x0f0
#define LAPIC_ENABLE 0x100u
#define LAPIC_LVT_TIMER 0x320
#define LAPIC_TIMER_PERIODIC (1u << 17)
#define LAPIC_TIMER_COUNT 0x380
#define LAPIC_TIMER_DIVIDE 0x3e0
#define LAPIC_DIVIDE_BY_1 0xbu
#define LAPIC_TICKS_PER_MS 1000000u // QEMU and KVM alike: the APIC bus runs at 1 GHz

// I/O APIC (Intel 82093AA datasheet, 3.1 and 3.2).
#define IOAPIC 0xfec00000u
#define IOAPIC_INDEX 0x00
#define IOAPIC_WINDOW 0x10
#define IOAPIC_PINS 24u
#define IOAPIC_ENTRY(pin) (0x10 + 2 * (pin))
#define IOAPIC_LEVEL (1u << 15)
#define IOAPIC_MASKED (1u << 16)

#define VECTOR_DEVICE MSI_DATA
#define VECTOR_TICK 0x60u // a higher priority class than the devices: a storm of theirs does not stop the time
#define VECTOR_SPURIOUS 0xffu

#define STORM 10000u // more interrupts than any test here can cause

#define CODE_SEGMENT 8u
#define INTERRUPT_GATE 0x8e00u

volatile uint32_t irq_ticks, irq_count;
static void (*acknowledge_device)(void);
static uint64_t idt[256] __attribute__((aligned(8)));

extern const char device_entry[], tick_entry[], spurious_entry[], exception_entries[];

void irq_device(void)
{
	irq_count++;
	if (acknowledge_device)
		acknowledge_device();
	if (irq_count > STORM)
		fatal("irq", "interrupt storm");
	mmio_write(LAPIC, LAPIC_EOI, 0);
}

void irq_tick(void)
{
	irq_ticks++;
	mmio_write(LAPIC, LAPIC_EOI, 0);
}

void irq_exception(uint32_t number, uint32_t first, uint32_t second)
{
	// Some exceptions push an error code below the address (Intel SDM vol. 3, "Exceptions and Interrupts"): 8, 10-14, 17, 21.
	bool has_code = 1u << number & 0x00227d00u;
	say("exception number=%u address=%08x", number, has_code ? second : first);
	fatal("cpu", "exception");
}

void irq_expect(void (*acknowledge)(void))
{
	acknowledge_device = acknowledge;
	irq_count = 0;
}

static void set_gate(unsigned vector, const char *entry)
{
	uint32_t address = (uint32_t)entry;
	idt[vector] = (uint64_t)(address & 0xffff0000u) << 32 | (uint64_t)INTERRUPT_GATE << 32 | CODE_SEGMENT << 16 |
		      (address & 0xffffu);
}

static void set_pin(unsigned pin, uint32_t entry)
{
	mmio_write(IOAPIC, IOAPIC_INDEX, IOAPIC_ENTRY(pin) + 1);
	mmio_write(IOAPIC, IOAPIC_WINDOW, 0); // to the processor with APIC id 0
	mmio_write(IOAPIC, IOAPIC_INDEX, IOAPIC_ENTRY(pin));
	mmio_write(IOAPIC, IOAPIC_WINDOW, entry);
}

void irq_init(void)
{
	for (unsigned i = 0; i < 32; i++)
		set_gate(i, exception_entries + 8 * i);
	set_gate(VECTOR_DEVICE, device_entry);
	set_gate(VECTOR_TICK, tick_entry);
	set_gate(VECTOR_SPURIOUS, spurious_entry);
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) pointer = {sizeof idt - 1, (uint32_t)idt};
	asm volatile("lidt %0" ::"m"(pointer));

	// The two old 8259 controllers stay silent.
	out8(0x21, 0xff);
	out8(0xa1, 0xff);

	// Which pin an INTx line reaches depends on the slot and the bridges above. Only the device under test may assert one
	// (see pci.c), so all candidates lead to the same vector: PIRQ A-H are pins 16-23 on q35, and IRQ 11 on pc.
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		set_pin(pin, pin >= 16 || pin == MACHINE_PC_IRQ ? IOAPIC_LEVEL | VECTOR_DEVICE : IOAPIC_MASKED);

	mmio_write(LAPIC, LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	mmio_write(LAPIC, LAPIC_TIMER_DIVIDE, LAPIC_DIVIDE_BY_1);
	mmio_write(LAPIC, LAPIC_LVT_TIMER, LAPIC_TIMER_PERIODIC | VECTOR_TICK);
	mmio_write(LAPIC, LAPIC_TIMER_COUNT, TICK_MS * LAPIC_TICKS_PER_MS);
}
