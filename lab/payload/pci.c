// SPDX-License-Identifier: Apache-2.0
#include "pci.h"
#include "console.h"
#include "irq.h"
#include "memory.h"
#include "power.h"

// Configuration mechanism (PCI Local Bus 3.0, 3.2.2.3.2).
#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA 0xcfc
#define CONFIG_ENABLE 0x80000000u

// Type 0 and 1 headers (PCI Local Bus 3.0, 6.1 and PCI-to-PCI Bridge 1.2, 3.2).
#define COMMAND 0x04
#define COMMAND_MEMORY 0x0002u
#define COMMAND_MASTER 0x0004u
#define COMMAND_INTX_OFF 0x0400u
#define CLASS 0x08
#define HEADER 0x0c // the type is bits 16-22
#define HEADER_MULTI_FUNCTION (1u << 23)
#define HEADER_BRIDGE 1u
#define BAR(n) (0x10 + 4 * (n))
#define BAR_IO 0x1u
#define BAR_TYPE 0x6u
#define BAR_64BIT 0x4u
#define BAR_FLAGS 0xfu
#define BUS_NUMBERS 0x18
#define BRIDGE_MEMORY 0x20
#define BRIDGE_PREFETCHABLE 0x24
#define WINDOW_CLOSED 0x0000fff0u // the limit is below the base
#define CAPABILITIES 0x34

#define CAP_MSI 0x05
#define MSI_ENABLE (1u << 16)
#define MSI_64BIT (1u << 23)
#define CAP_MSIX 0x11
#define MSIX_ENABLE (1u << 31)
#define MSIX_MASK_ALL (1u << 30)
#define MSIX_LAST(control) ((control) >> 16 & 0x7ffu)
#define MSIX_TABLE 4
#define MSIX_ENTRY_SIZE 16

// PCI Express capability (PCI Express Base 4.0, 7.5.3).
#define CAP_EXPRESS 0x10
#define EXPRESS_SLOT (1u << 24)
#define SLOT_CAPABILITIES 0x14
#define SLOT_HOTPLUG_CAPABLE 0x40u
#define SLOT_CONTROL 0x18 // status in the upper half
#define SLOT_INDICATOR_OFF 0x0300u
#define SLOT_INDICATOR_ON 0x0100u
#define SLOT_INDICATOR 0x0300u
#define SLOT_POWER_OFF 0x0400u
#define SLOT_BUTTON_PRESSED (1u << 16)
#define SLOT_PRESENCE_CHANGED (1u << 19)
#define SLOT_OCCUPIED (1u << 22)

// Address space for BARs: unused on all QEMU machines with little memory, and below the I/O APIC.
#define WINDOW_BASE 0xe0000000u
#define WINDOW_END 0xf0000000u

#define MAX_BUS 255u

struct pci_device pci_devices[PCI_MAX_DEVICES];
unsigned pci_device_count;

static unsigned last_bus;
static uint16_t bridge_to[MAX_BUS + 1]; // a bus's bridge; bus 0 has none
static uint8_t slot_of[MAX_BUS + 1];    // the PCI Express capability of that bridge, if its slot can plug by itself

uint32_t pci_read(uint16_t address, unsigned offset)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)address << 8 | offset);
	return in32(CONFIG_DATA);
}

void pci_write(uint16_t address, unsigned offset, uint32_t value)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)address << 8 | offset);
	out32(CONFIG_DATA, value);
}

// The upper half of the command register is the status; its bits are cleared by ones, so zeros leave it alone.
static void set_command(uint16_t address, uint32_t command) { pci_write(address, COMMAND, command); }

static unsigned find_capability(uint16_t address, uint32_t id)
{
	unsigned at = pci_read(address, CAPABILITIES) & 0xfcu;
	for (unsigned i = 0; at && i < 48; i++) { // 48 is all that fit: a looped list ends too
		uint32_t header = pci_read(address, at);
		if ((header & 0xffu) == id)
			return at;
		at = header >> 8 & 0xfcu;
	}
	return 0;
}

static uint8_t find_hotplug_slot(uint16_t address)
{
	unsigned cap = find_capability(address, CAP_EXPRESS);
	bool capable = cap && pci_read(address, cap) & EXPRESS_SLOT &&
		       pci_read(address, cap + SLOT_CAPABILITIES) & SLOT_HOTPLUG_CAPABLE;
	return capable ? (uint8_t)cap : 0;
}

static void add_function(uint16_t address, uint32_t id)
{
	for (unsigned i = 0; i < pci_device_count; i++)
		if (pci_devices[i].address == address && pci_devices[i].id == id) {
			pci_devices[i].present = true;
			return;
		}
	if (pci_device_count == PCI_MAX_DEVICES)
		fatal("pci", "too many functions");
	struct pci_device *device = &pci_devices[pci_device_count++];
	*device = (struct pci_device){.address = address, .id = id, .present = true};
	device->class_code = pci_read(address, CLASS) >> 8;
	text(device->name, sizeof device->name, "%02x:%02x.%u", address >> 8, address >> 3 & 31u, address & 7u);
}

static void scan_bus(unsigned bus)
{
	for (unsigned device = 0; device < 32; device++) {
		unsigned functions = 1;
		for (unsigned function = 0; function < functions; function++) {
			uint16_t address = PCI_ADDRESS(bus, device, function);
			uint32_t id = pci_read(address, PCI_ID);
			if (id == ABSENT32 || id == 0)
				continue;
			uint32_t header = pci_read(address, HEADER);
			if (function == 0 && header & HEADER_MULTI_FUNCTION)
				functions = 8;
			if ((header >> 16 & 0x7fu) != HEADER_BRIDGE) {
				add_function(address, id);
			} else if (last_bus < MAX_BUS) {
				unsigned behind = ++last_bus;
				bridge_to[behind] = address;
				slot_of[behind] = find_hotplug_slot(address);
				set_command(address, COMMAND_INTX_OFF);
				// While looking behind the bridge, all higher numbers are its own.
				pci_write(address, BUS_NUMBERS, MAX_BUS << 16 | behind << 8 | bus);
				scan_bus(behind);
				pci_write(address, BUS_NUMBERS, last_bus << 16 | behind << 8 | bus);
			}
		}
	}
}

void pci_scan(void)
{
	for (unsigned i = 0; i < pci_device_count; i++)
		pci_devices[i].present = false;
	last_bus = 0;
	scan_bus(0);
	unsigned kept = 0;
	for (unsigned i = 0; i < pci_device_count; i++)
		if (pci_devices[i].present)
			pci_devices[kept++] = pci_devices[i];
	pci_device_count = kept;
}

// A slot with its own controller wants power before a new device can be seen. When its removal is asked for, the
// attention button reads as pressed, and switching the power off is the consent (PCI Express Base 4.0, 6.7).
enum pci_change pci_poll_slots(void)
{
	enum pci_change change = PCI_UNCHANGED;
	for (unsigned bus = 1; bus <= last_bus; bus++) {
		if (!slot_of[bus])
			continue;
		unsigned control = slot_of[bus] + SLOT_CONTROL;
		uint32_t slot = pci_read(bridge_to[bus], control);
		uint32_t events = slot & (SLOT_BUTTON_PRESSED | SLOT_PRESENCE_CHANGED);
		if (!events)
			continue;
		bool occupied = slot & SLOT_OCCUPIED;
		bool remove = occupied && slot & SLOT_BUTTON_PRESSED && !(slot & SLOT_POWER_OFF);
		bool power = occupied && !remove;
		slot &= 0xffff & ~(SLOT_INDICATOR | SLOT_POWER_OFF);
		slot |= power ? SLOT_INDICATOR_ON : SLOT_INDICATOR_OFF | SLOT_POWER_OFF;
		pci_write(bridge_to[bus], control, slot | events); // events are cleared by ones
		if (remove || power)
			say("hotplug %s bus=%02x", remove ? "removed" : "added", bus);
		change |= remove ? PCI_REMOVED : power ? PCI_ADDED : PCI_UNCHANGED;
	}
	return change;
}

static const char *place_bars(struct pci_device *device)
{
	uint32_t next = WINDOW_BASE;
	for (unsigned i = 0; i < 6; i++) {
		device->bar[i] = 0;
		pci_write(device->address, BAR(i), ABSENT32);
		uint32_t mask = pci_read(device->address, BAR(i));
		if (mask == 0 || mask & BAR_IO)
			continue;
		uint32_t size = ~(mask & ~BAR_FLAGS) + 1;
		uint32_t base = (next + size - 1) & ~(size - 1);
		if (size == 0 || size > WINDOW_END - WINDOW_BASE || base > WINDOW_END - size)
			return "BARs too large";
		pci_write(device->address, BAR(i), base);
		device->bar[i] = base;
		next = base + size;
		if ((mask & BAR_TYPE) == BAR_64BIT)
			pci_write(device->address, BAR(++i), 0);
	}
	return NULL;
}

const char *pci_open(struct pci_device *device)
{
	for (unsigned bus = device->address >> 8; bus; bus = bridge_to[bus] >> 8) {
		pci_write(bridge_to[bus], BRIDGE_MEMORY, ((WINDOW_END - 1) & 0xfff00000u) | WINDOW_BASE >> 16);
		pci_write(bridge_to[bus], BRIDGE_PREFETCHABLE, WINDOW_CLOSED);
		set_command(bridge_to[bus], COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF);
	}
	set_command(device->address, COMMAND_INTX_OFF);
	const char *error = place_bars(device);
	if (!error)
		set_command(device->address, COMMAND_MEMORY | COMMAND_MASTER | COMMAND_INTX_OFF);
	return error;
}

void pci_close(struct pci_device *device)
{
	unsigned cap;
	if ((cap = find_capability(device->address, CAP_MSIX)))
		pci_write(device->address, cap, 0);
	if ((cap = find_capability(device->address, CAP_MSI)))
		pci_write(device->address, cap, 0);
	set_command(device->address, COMMAND_INTX_OFF);
	for (unsigned bus = device->address >> 8; bus; bus = bridge_to[bus] >> 8)
		set_command(bridge_to[bus], COMMAND_INTX_OFF);
}

void pci_irq_enable(struct pci_device *device)
{
	uint16_t address = device->address;
	unsigned cap;
	device->intx = false;
	if ((cap = find_capability(address, CAP_MSIX))) {
		uint32_t location = pci_read(address, cap + MSIX_TABLE);
		uint32_t entry = device->bar[(location & 7u) % 6] + (location & ~7u);
		unsigned last = MSIX_LAST(pci_read(address, cap));
		pci_write(address, cap, MSIX_ENABLE | MSIX_MASK_ALL);
		for (unsigned i = 0; i <= last; i++, entry += MSIX_ENTRY_SIZE) {
			mmio_write(entry, 0, MSI_ADDRESS);
			mmio_write(entry, 4, 0);
			mmio_write(entry, 8, MSI_DATA);
			mmio_write(entry, 12, 0); // not masked
		}
		pci_write(address, cap, MSIX_ENABLE);
		device->irq_kind = "msix";
	} else if ((cap = find_capability(address, CAP_MSI))) {
		bool wide = pci_read(address, cap) & MSI_64BIT;
		pci_write(address, cap + 4, MSI_ADDRESS);
		if (wide)
			pci_write(address, cap + 8, 0);
		pci_write(address, cap + (wide ? 12 : 8), MSI_DATA);
		pci_write(address, cap, MSI_ENABLE); // one vector
		device->irq_kind = "msi";
	} else {
		set_command(address, COMMAND_MEMORY | COMMAND_MASTER);
		device->irq_kind = "intx";
		device->intx = true;
	}
}
