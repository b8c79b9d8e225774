// SPDX-License-Identifier: Apache-2.0
// ACPI PCI hot-plug as QEMU has it (docs/specs/acpi_pci_hotplug.rst). The firmware tables that would describe it to an
// operating system are missing here, but the registers work without them.
#include "hotplug.h"
#include "console.h"
#include "io.h"
#include "power.h"

#define UP 0x00	   // one bit for each slot
#define DOWN 0x04
#define EJECT 0x08
#define SELECT 0x10 // of the bus that the others are about

#define MAX_BUSES 64u // QEMU numbers its hot-pluggable buses from 0

enum pci_change hotplug_poll(void)
{
	enum pci_change change = pci_poll_slots();
	if (!power_hotplug_event())
		return change;
	uint16_t port = power_hotplug_port();
	for (unsigned bus = 0; bus < MAX_BUSES; bus++) {
		out32(port + SELECT, bus);
		uint32_t up = in32(port + UP), down = in32(port + DOWN);
		for (unsigned slot = 0; slot < 32; slot++) {
			if (up >> slot & 1) {
				say("hotplug added acpi-bus=%u slot=%u", bus, slot);
				change |= PCI_ADDED;
			}
			if (down >> slot & 1) {
				out32(port + EJECT, 1u << slot);
				say("hotplug removed acpi-bus=%u slot=%u", bus, slot);
				change |= PCI_REMOVED;
			}
		}
	}
	return change;
}
