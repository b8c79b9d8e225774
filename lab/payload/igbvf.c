// SPDX-License-Identifier: Apache-2.0
// Virtual function of the Intel 82576. Register names as in the 82576 datasheet, "Virtual Function Device Registers"; the mailbox
// to the physical function's driver is under "Virtualization". The numbers of the messages are a convention of the drivers.
#include "console.h"
#include "driver.h"
#include "irq.h"
#include "memory.h"
#include "net.h"

#define ID_82576_VF 0x10ca8086u

#define VTCTRL 0x0000
#define VTCTRL_RST (1u << 26)
#define VTSTATUS 0x0008
#define VTSTATUS_LU 0x2u
#define VMBMEM 0x0800
#define V2PMAILBOX 0x0c40
#define MAILBOX_REQ 0x01u
#define MAILBOX_ACK 0x02u
#define MAILBOX_VFU 0x04u   // the buffer is ours
#define MAILBOX_PFSTS 0x10u // a message of the physical function
#define MAILBOX_RSTI 0x40u  // the physical function is in a reset of its own
#define VTEIMS 0x1524
#define VTEIMC 0x1528
#define VTEIAC 0x152c
#define VTIVAR 0x1700
#define VTIVAR_MISC 0x1740
#define IVAR_VECTOR_0 0x80u // valid bit and vector number, a byte for each cause
#define SRRCTL 0x280c
#define SRRCTL_2K_ADVANCED (2u | 1u << 25)
#define RXDCTL 0x2828
#define TXDCTL 0x3828
#define DCTL_ENABLE (1u << 25)

#define MESSAGE_RESET 1u
#define MESSAGE_SET_MAC 2u
#define MESSAGE_ACK 0x80000000u
#define MESSAGE_WORDS 3u

static uint32_t registers, mailbox_seen;

static bool matches(const struct pci_device *device) { return device->id == ID_82576_VF; }

// Reading clears the event bits, so they are collected.
static uint32_t mailbox(void) { return mailbox_seen |= mmio_read(registers, V2PMAILBOX); }

static bool own_mailbox(void)
{
	mmio_write(registers, V2PMAILBOX, MAILBOX_VFU);
	return mmio_read(registers, V2PMAILBOX) & MAILBOX_VFU;
}

// Sends a message to the physical function's driver, and puts its answer in place of it.
static bool ask(uint32_t *message)
{
	if (!WAIT_MS(5000, own_mailbox()))
		return false;
	mailbox_seen = 0;
	for (unsigned i = 0; i < MESSAGE_WORDS; i++)
		mmio_write(registers, VMBMEM + 4 * i, message[i]);
	mmio_write(registers, V2PMAILBOX, MAILBOX_REQ); // and gives the buffer away
	if (!WAIT_MS(5000, mailbox() & MAILBOX_PFSTS))
		return false;
	for (unsigned i = 0; i < MESSAGE_WORDS; i++)
		message[i] = mmio_read(registers, VMBMEM + 4 * i);
	mmio_write(registers, V2PMAILBOX, MAILBOX_ACK);
	return true;
}

static const char *reset(uint32_t mac[2])
{
	mmio_write(registers, VTEIMC, ~0u);
	mmio_write(registers, VTCTRL, VTCTRL_RST);
	if (!WAIT_MS(5000, !(mmio_read(registers, V2PMAILBOX) & MAILBOX_RSTI)))
		return "waited 5 s for the physical function's own reset";
	uint32_t message[MESSAGE_WORDS] = {MESSAGE_RESET};
	if (!ask(message))
		return "waited 5 s for the physical function's answer to a reset";
	if (message[0] & MESSAGE_ACK && (message[1] || message[2])) {
		mac[0] = message[1];
		mac[1] = message[2];
		return NULL;
	}
	// The administrator gave it no address: a locally administered one, which the physical function has to accept.
	mac[0] = (uint32_t)random64() << 8 | 0x02;
	mac[1] = (uint32_t)random64() & 0xffff;
	message[0] = MESSAGE_SET_MAC;
	message[1] = mac[0];
	message[2] = mac[1];
	if (!ask(message))
		return "waited 5 s for the physical function's answer to a mac address";
	return message[0] & MESSAGE_ACK ? NULL : "the physical function refused the mac address";
}

static bool enable_queue(unsigned control)
{
	mmio_write(registers, control, mmio_read(registers, control) | DCTL_ENABLE);
	return WAIT_MS(1000, mmio_read(registers, control) & DCTL_ENABLE);
}

static const char *test(struct pci_device *device)
{
	uint32_t mac[2];
	registers = device->bar[0];
	const char *error = reset(mac);
	if (error)
		return error;
	bool link = WAIT_MS(5000, mmio_read(registers, VTSTATUS) & VTSTATUS_LU);
	report(device, "mac=%s link=%s chip=82576vf", net_mac_text((uint8_t *)mac), link ? "up" : "down");
	if (!link)
		return "waited 5 s for the link";

	struct ring ring;
	ring_init(&ring, registers, true);
	pci_irq_enable(device);
	irq_expect(NULL);
	mmio_write(registers, VTIVAR, IVAR_VECTOR_0 | IVAR_VECTOR_0 << 8); // receive and transmit
	mmio_write(registers, VTIVAR_MISC, IVAR_VECTOR_0);
	mmio_write(registers, VTEIAC, 1); // the cause is cleared as the message goes out: nothing to acknowledge
	mmio_write(registers, VTEIMS, 1);
	mmio_write(registers, SRRCTL, SRRCTL_2K_ADVANCED);
	if (!enable_queue(RXDCTL) || !enable_queue(TXDCTL))
		return "waited 1 s for the queues";
	ring_start(&ring);
	error = net_test(device, &ring, (uint8_t *)mac);
	mmio_write(registers, VTCTRL, VTCTRL_RST);
	return error;
}

const struct driver igbvf_driver = {"nic", matches, test};
