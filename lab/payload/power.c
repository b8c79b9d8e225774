// SPDX-License-Identifier: Apache-2.0
#include "power.h"
#include "console.h"
#include "io.h"
#include "irq.h"
#include "pci.h"

// Where the ACPI fixed registers are put, as common PC firmware does.
#define PMBASE 0x600u
#define PM1_STATUS (PMBASE + 0)
#define PM1_ENABLE (PMBASE + 2)
#define PM1_CONTROL (PMBASE + 4)
#define PM1_POWER_BUTTON (1u << 8) // PWRBTN_STS and PWRBTN_EN (ACPI, "PM1 Event Registers")
#define PM1_SLEEP_ENABLE (1u << 13)
#define PM1_SLEEP_TYPE_S5 0u // both QEMU machines declare type 0 as \_S5

// q35: the LPC bridge of the ICH9 (Intel ICH9 datasheet, 13.1). pc: the power management function of the PIIX4, and the
// interrupt router in the ISA bridge beside it (Intel 82371AB datasheet; PIRQ_ROUTE is PIRQRC there).
#define ICH9_LPC PCI_ADDRESS(0, 0x1f, 0)
#define ICH9_ID 0x29188086u
#define ICH9_PMBASE 0x40
#define ICH9_ACPI_CNTL 0x44
#define ICH9_ACPI_EN 0x80u
#define ICH9_PIRQ_ROUTE_A_TO_D 0x60
#define ICH9_PIRQ_ROUTE_E_TO_H 0x68
#define ICH9_PIRQ_NOT_ISA 0x80808080u
#define ICH9_GPE0_STATUS (PMBASE + 0x20)
#define PIIX_ISA PCI_ADDRESS(0, 1, 0)
#define PIIX_PIRQ_ROUTE 0x60
#define PIIX4_PM PCI_ADDRESS(0, 1, 3)
#define PIIX4_ID 0x71138086u
#define PIIX4_PMBASE 0x40
#define PIIX4_PMREGMISC 0x80
#define PIIX4_PMIOSE 0x01u

// QEMU's own choices (docs/specs/acpi_pci_hotplug.rst): the event is bit 1 of the general purpose register.
#define PC_GPE0_STATUS 0xafe0u
#define GPE_PCI_HOTPLUG 0x02u
#define ICH9_HOTPLUG_PORT 0x0cc0u
#define PC_HOTPLUG_PORT 0xae00u

// The ways out. An isa-debug-exit device reads as 0, an absent port as all ones.
#define DEBUG_EXIT 0xf4
#define PVPANIC 0x505 // docs/specs/pvpanic.rst: reads as the supported events
#define PVPANIC_PANICKED 0x01u
#define RESET_CONTROL 0xcf9 // RST_CNT in the ICH9 datasheet
#define RESET_FULL 0x06u
#define KEYBOARD_CONTROLLER 0x64
#define KEYBOARD_RESET 0xfe

static enum { UNKNOWN, Q35, PC } machine;

const char *power_init(void)
{
	if (pci_read(ICH9_LPC, PCI_ID) == ICH9_ID) {
		machine = Q35;
		pci_write(ICH9_LPC, ICH9_PMBASE, PMBASE | 1);
		pci_write(ICH9_LPC, ICH9_ACPI_CNTL, pci_read(ICH9_LPC, ICH9_ACPI_CNTL) | ICH9_ACPI_EN);
		// Already so after a reset, but only the write makes QEMU tell KVM where the INTx of a VFIO device goes.
		pci_write(ICH9_LPC, ICH9_PIRQ_ROUTE_A_TO_D, ICH9_PIRQ_NOT_ISA);
		pci_write(ICH9_LPC, ICH9_PIRQ_ROUTE_E_TO_H, ICH9_PIRQ_NOT_ISA);
	} else if (pci_read(PIIX4_PM, PCI_ID) == PIIX4_ID) {
		machine = PC;
		pci_write(PIIX4_PM, PIIX4_PMBASE, PMBASE | 1);
		pci_write(PIIX4_PM, PIIX4_PMREGMISC, pci_read(PIIX4_PM, PIIX4_PMREGMISC) | PIIX4_PMIOSE);
		pci_write(PIIX_ISA, PIIX_PIRQ_ROUTE, MACHINE_PC_IRQ * 0x01010101u);
	}
	if (machine != UNKNOWN) {
		// QEMU sets the status bit of a pressed button only if its event is enabled. The interrupt behind it stays
		// masked in the I/O APIC: the tick polls.
		out16(PM1_STATUS, PM1_POWER_BUTTON);
		out16(PM1_ENABLE, PM1_POWER_BUTTON);
	}
	return machine == Q35 ? "q35" : machine == PC ? "pc" : "unknown";
}

bool power_button_pressed(void)
{
	if (machine == UNKNOWN || !(in16(PM1_STATUS) & PM1_POWER_BUTTON))
		return false;
	out16(PM1_STATUS, PM1_POWER_BUTTON);
	return true;
}

bool power_hotplug_event(void)
{
	uint16_t port = machine == Q35 ? ICH9_GPE0_STATUS : PC_GPE0_STATUS;
	if (machine == UNKNOWN || !(in8(port) & GPE_PCI_HOTPLUG))
		return false;
	out8(port, GPE_PCI_HOTPLUG);
	return true;
}

uint16_t power_hotplug_port(void)
{
	return machine == Q35 ? ICH9_HOTPLUG_PORT : machine == PC ? PC_HOTPLUG_PORT : 0;
}

void end(bool pass)
{
	if (in8(DEBUG_EXIT) == 0)
		out8(DEBUG_EXIT, pass ? 0 : 1); // QEMU's exit status is twice the value plus one
	if (pass && machine != UNKNOWN)
		out16(PM1_CONTROL, PM1_SLEEP_TYPE_S5 << 10 | PM1_SLEEP_ENABLE);
	if (!pass) {
		uint8_t events = in8(PVPANIC);
		if (events != ABSENT8 && events & PVPANIC_PANICKED) {
			out8(PVPANIC, PVPANIC_PANICKED);
			WAIT_MS(1000, false); // QEMU acts on it in its own time, and a reset would come in between
		}
		out8(RESET_CONTROL, RESET_FULL);
		out8(KEYBOARD_CONTROLLER, KEYBOARD_RESET);
	}
	for (;;)
		asm volatile("cli; hlt");
}

void fatal(const char *device, const char *reason)
{
	say("FAIL %s: %s", device, reason);
	end(false);
}
