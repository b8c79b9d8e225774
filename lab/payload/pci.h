// SPDX-License-Identifier: Apache-2.0
// PCI: finding functions behind bridges, and opening one at a time for its driver.
#pragma once
#include "io.h"

// A function's address as the configuration ports want it; >> 8 is its bus.
#define PCI_ADDRESS(bus, device, function) ((uint16_t)((bus) << 8 | (device) << 3 | (function)))

// Configuration header (PCI Local Bus 3.0, 6.1; registers used by more than one file).
#define PCI_ID 0x00

struct pci_device {
	uint16_t address;
	uint32_t id;	      // device << 16 | vendor
	uint32_t class_code;  // class << 16 | subclass << 8 | programming interface
	char name[16];	      // the address in words: 02:00.0
	const char *kind;     // what the driver calls it: nvme, nic, edu
	const char *irq_kind; // msix, msi or intx, once pci_irq_enable() was called
	bool intx;
	uint32_t bar[6];      // addresses of the memory BARs while open
	bool present, tested;
};

uint32_t pci_read(uint16_t address, unsigned offset);
void pci_write(uint16_t address, unsigned offset, uint32_t value);

// Numbers all buses anew and brings the list of functions up to date: those that stayed keep their tested mark.
#define PCI_MAX_DEVICES 64
extern struct pci_device pci_devices[PCI_MAX_DEVICES];
extern unsigned pci_device_count;
void pci_scan(void);

// Lets devices come and go whose bridges can plug by themselves (PCI Express native hot-plug).
enum pci_change { PCI_UNCHANGED = 0, PCI_ADDED = 1, PCI_REMOVED = 2 }; // or-ed together
enum pci_change pci_poll_slots(void);

// Opens the way to the function, places its memory BARs and lets it do DMA; closing takes all that back, so only one is
// open at a time and all can have the same addresses. An error is returned as text, success as a null pointer.
const char *pci_open(struct pci_device *device);
void pci_close(struct pci_device *device);

// Has the open function interrupt this processor, all its vectors alike: by MSI-X, else MSI, else INTx.
void pci_irq_enable(struct pci_device *device);
