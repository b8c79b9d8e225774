// SPDX-License-Identifier: Apache-2.0
// Intel 82540EM (QEMU's e1000) and 82574L (e1000e). Register names as in the 82574 datasheet, chapter 10, and in the
// "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual", chapter 13.
#include "console.h"
#include "driver.h"
#include "irq.h"
#include "memory.h"
#include "net.h"

#define ID_82540EM 0x100e8086u
#define ID_82574L 0x10d38086u

#define CTRL 0x0000
#define CTRL_ASDE (1u << 5) // speed as the PHY found it
#define CTRL_SLU (1u << 6)  // set link up
#define CTRL_RST (1u << 26)
#define STATUS 0x0008
#define STATUS_LU 0x2u
#define ICR 0x00c0
#define IMS 0x00d0
#define IMC 0x00d8
#define CAUSE_TXDW (1u << 0)
#define CAUSE_LSC (1u << 2)
#define CAUSE_RXT0 (1u << 7)
#define CAUSE_QUEUES (1u << 20 | 1u << 22) // RxQ0 and TxQ0: 82574 with MSI-X
#define IVAR 0x00e4			   // 82574: which vector for RxQ0, RxQ1, TxQ0, TxQ1 and all else
#define IVAR_ALL_VECTOR_0 0x00088888u	   // valid bit and vector number, four bits each
#define RCTL 0x0100
#define RCTL_EN (1u << 1)
#define RCTL_BAM (1u << 15)   // broadcasts too
#define RCTL_SECRC (1u << 26) // without the checksum
#define TCTL 0x0400
#define TCTL_EN (1u << 1)
#define TCTL_PSP (1u << 3)
#define TCTL_COLLISIONS (0x0fu << 4 | 0x40u << 12)
#define RAL0 0x5400
#define RAH0 0x5404

static uint32_t registers;

static bool matches(const struct pci_device *device) { return device->id == ID_82540EM || device->id == ID_82574L; }

// Reading clears the causes for the pin; with MSI-X the 82574 wants ones written (82574 datasheet, "Clearing Interrupt Causes").
static void acknowledge(void) { mmio_write(registers, ICR, mmio_read(registers, ICR)); }

static bool reset(void)
{
	mmio_write(registers, IMC, ~0u);
	mmio_write(registers, CTRL, mmio_read(registers, CTRL) | CTRL_RST);
	bool done = WAIT_MS(1000, !(mmio_read(registers, CTRL) & CTRL_RST));
	mmio_write(registers, IMC, ~0u);
	acknowledge();
	return done;
}

// Masks and resets, and then gives interrupts that the card still holds back time to come: QEMU 7.2 ends with a failed assertion
// if its throttling timer (128 microseconds) runs out after MSI-X was switched off, and its software reset does not stop it.
static bool quiesce(void)
{
	mmio_write(registers, RCTL, 0);
	mmio_write(registers, TCTL, 0);
	bool done = reset();
	WAIT_MS(50, false);
	return done;
}

static const char *test(struct pci_device *device)
{
	registers = device->bar[0];
	if (!reset())
		return "waited 1 s for the reset";
	mmio_write(registers, CTRL, mmio_read(registers, CTRL) | CTRL_SLU | CTRL_ASDE);
	uint32_t mac[2] = {mmio_read(registers, RAL0), mmio_read(registers, RAH0)};
	bool link = WAIT_MS(5000, mmio_read(registers, STATUS) & STATUS_LU);
	report(device, "mac=%s link=%s chip=%s", net_mac_text((uint8_t *)mac), link ? "up" : "down",
	       device->id == ID_82574L ? "82574l" : "82540em");
	if (!link)
		return "waited 5 s for the link";

	struct ring ring;
	ring_init(&ring, registers, false);
	pci_irq_enable(device);
	irq_expect(acknowledge);
	if (device->id == ID_82574L)
		mmio_write(registers, IVAR, IVAR_ALL_VECTOR_0);
	mmio_write(registers, IMS, CAUSE_TXDW | CAUSE_LSC | CAUSE_RXT0 | (device->id == ID_82574L ? CAUSE_QUEUES : 0));
	mmio_write(registers, RCTL, RCTL_EN | RCTL_BAM | RCTL_SECRC);
	mmio_write(registers, TCTL, TCTL_EN | TCTL_PSP | TCTL_COLLISIONS);
	ring_start(&ring);
	const char *error = net_test(device, &ring, (uint8_t *)mac);
	bool quiet = quiesce();
	return error ? error : quiet ? NULL : "waited 1 s for the last reset";
}

const struct driver e1000_driver = {"nic", matches, test};
