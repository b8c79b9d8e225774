// SPDX-License-Identifier: Apache-2.0
// NVM Express 1.4; sections in parentheses.
#include "console.h"
#include "driver.h"
#include "irq.h"
#include "memory.h"

#define CLASS_NVME 0x010802u

// Controller registers (3.1).
#define CAP_LOW 0x00
#define CAP_TIMEOUT_MS(low) (((low) >> 24) * 500u)
#define CAP_HIGH 0x04
#define CAP_DOORBELL_STRIDE(high) (4u << ((high) & 15u))
#define INTMS 0x0c
#define INTMC 0x10
#define CC 0x14
#define CC_ENABLE 0x1u
#define CC_SHUTDOWN (1u << 14)
#define CC_QUEUE_ENTRIES (6u << 16 | 4u << 20) // log2 of the 64 and 16 bytes of the entries
#define CSTS 0x1c
#define CSTS_READY 0x1u
#define CSTS_SHUTDOWN 0xcu
#define CSTS_SHUTDOWN_COMPLETE 0x8u
#define AQA 0x24
#define ASQ 0x28
#define ACQ 0x30
#define DOORBELLS 0x1000

// Commands (5 and 6).
#define ADMIN_CREATE_SQ 0x01
#define ADMIN_CREATE_CQ 0x05
#define ADMIN_IDENTIFY 0x06
#define IDENTIFY_NAMESPACE 0
#define IDENTIFY_CONTROLLER 1
#define IDENTIFY_ACTIVE_NAMESPACES 2
#define QUEUE_CONTIGUOUS 0x1u
#define QUEUE_INTERRUPTS 0x2u
#define NVM_FLUSH 0x00
#define NVM_WRITE 0x01
#define NVM_READ 0x02

#define ENTRIES 16u
#define BLOCK PAGE_SIZE
#define TEST_LBA 64u
#define COMMAND_MS 10000

struct queue {
	unsigned id, tail, head;
	uint32_t (*submissions)[16];
	volatile uint32_t (*completions)[4];
	bool old_phase; // of the entries not yet written in this round (4.6)
};

static uint32_t registers, doorbell_stride;

static bool matches(const struct pci_device *device) { return device->class_code == CLASS_NVME; }

// A pin stays asserted until the completion is consumed, so it is masked until then; MSI-X needs nothing (7.5.1).
static void mask_pin(void) { mmio_write(registers, INTMS, 1); }

static void queue_init(struct queue *queue, unsigned id)
{
	*queue = (struct queue){.id = id, .submissions = dma_alloc(PAGE_SIZE), .completions = dma_alloc(PAGE_SIZE)};
}

static void ring_doorbell(const struct queue *queue, unsigned completion, unsigned value)
{
	mmio_write(registers, DOORBELLS + (2 * queue->id + completion) * doorbell_stride, value);
}

// Sends one command and waits for it; reports a failure under the command's name.
static bool command(struct pci_device *device, struct queue *queue, const char *name, uint32_t opcode, uint32_t namespace_id,
		    const void *data, uint32_t dword10, uint32_t dword11, uint32_t dword12)
{
	uint32_t *submission = queue->submissions[queue->tail];
	memset(submission, 0, sizeof *queue->submissions);
	submission[0] = opcode | queue->tail << 16;
	submission[1] = namespace_id;
	submission[6] = (uint32_t)data; // PRP entry 1: never more than one page
	submission[10] = dword10;
	submission[11] = dword11;
	submission[12] = dword12;
	queue->tail = (queue->tail + 1) % ENTRIES;
	ring_doorbell(queue, 0, queue->tail);

	volatile uint32_t *completion = queue->completions[queue->head];
	if (!WAIT_MS(COMMAND_MS, (completion[3] >> 16 & 1) != queue->old_phase)) {
		report(device, "waited 10 s for %s", name);
		return false;
	}
	uint32_t status = completion[3] >> 17;
	queue->head = (queue->head + 1) % ENTRIES;
	if (queue->head == 0)
		queue->old_phase = !queue->old_phase;
	ring_doorbell(queue, 1, queue->head);
	if (device->intx)
		mmio_write(registers, INTMC, 1);
	if (status & 0x7ff)
		report(device, "%s status=%x", name, status & 0x7ff);
	return !(status & 0x7ff);
}

// Copies printable text up to the first other character or quote, without the spaces at its end.
static unsigned printable(char *to, unsigned size, const uint8_t *from, unsigned length)
{
	unsigned used = 0, i = 0;
	for (; i < length && i < size - 1 && from[i] >= ' ' && from[i] <= '~' && from[i] != '"'; i++)
		if ((to[i] = (char)from[i]) != ' ')
			used = i + 1;
	to[used] = 0;
	return used;
}

// The block's bytes all follow from the token; README.md has the formula.
static void fill(char *block, const char *token)
{
	text(block, BLOCK, "hostdev-lab token=%s\n", token);
	unsigned i = 0;
	while (block[i])
		i++;
	for (; i < BLOCK; i++)
		block[i] = token[(i + i / 16 + i / 512) % 16];
}

static const char *enable(struct queue *admin)
{
	uint32_t timeout = CAP_TIMEOUT_MS(mmio_read(registers, CAP_LOW)) + 1000;
	doorbell_stride = CAP_DOORBELL_STRIDE(mmio_read(registers, CAP_HIGH));
	mmio_write(registers, CC, 0);
	if (!WAIT_MS(timeout, !(mmio_read(registers, CSTS) & CSTS_READY)))
		return "waited for the controller to stop";
	queue_init(admin, 0);
	mmio_write(registers, AQA, (ENTRIES - 1) << 16 | (ENTRIES - 1));
	mmio_write(registers, ASQ, (uint32_t)admin->submissions);
	mmio_write(registers, ASQ + 4, 0);
	mmio_write(registers, ACQ, (uint32_t)admin->completions);
	mmio_write(registers, ACQ + 4, 0);
	mmio_write(registers, CC, CC_ENABLE | CC_QUEUE_ENTRIES);
	if (!WAIT_MS(timeout, mmio_read(registers, CSTS) & CSTS_READY))
		return "waited for the controller to be ready";
	return NULL;
}

// A normal shutdown (7.6.2), so that the device writes back what it may still hold.
static const char *disable(void)
{
	mmio_write(registers, CC, CC_ENABLE | CC_QUEUE_ENTRIES | CC_SHUTDOWN);
	if (!WAIT_MS(COMMAND_MS, (mmio_read(registers, CSTS) & CSTS_SHUTDOWN) == CSTS_SHUTDOWN_COMPLETE))
		return "waited 10 s for the shutdown";
	mmio_write(registers, CC, 0);
	return NULL;
}

static const char *test(struct pci_device *device)
{
	struct queue admin, io;
	registers = device->bar[0];
	pci_irq_enable(device);
	irq_expect(device->intx ? mask_pin : NULL);
	const char *error = enable(&admin);
	if (error)
		return error;

	uint8_t *data = dma_alloc(PAGE_SIZE);
	char model[41], serial[21];
	if (!command(device, &admin, "identify controller", ADMIN_IDENTIFY, 0, data, IDENTIFY_CONTROLLER, 0, 0))
		return "identify controller failed";
	printable(serial, sizeof serial, data + 4, 20);
	printable(model, sizeof model, data + 24, 40);
	report(device, "model=\"%s\" serial=%s", model, serial);

	if (!command(device, &admin, "list namespaces", ADMIN_IDENTIFY, 0, data, IDENTIFY_ACTIVE_NAMESPACES, 0, 0))
		return "list namespaces failed";
	uint32_t namespace_id = *(uint32_t *)data;
	if (!namespace_id)
		return "no namespace";
	if (!command(device, &admin, "identify namespace", ADMIN_IDENTIFY, namespace_id, data, IDENTIFY_NAMESPACE, 0, 0))
		return "identify namespace failed";
	uint64_t blocks = *(uint64_t *)data;
	unsigned lba_shift = data[128 + 4 * (data[26] & 15) + 2]; // LBADS of the format in FLBAS (figure 245)
	if (lba_shift < 9 || lba_shift > 12)
		return "LBA size is not 512 to 4096";
	uint32_t last = (BLOCK >> lba_shift) - 1; // LBA counts are "zero's based"
	if (blocks <= TEST_LBA + last)
		return "namespace too small";
	report(device, "namespace=%u lba-size=%u mib=%u", namespace_id, 1u << lba_shift, (uint32_t)(blocks >> (20 - lba_shift)));

	// The I/O queues use vector 0 too: a virtual function may have no other.
	queue_init(&io, 1);
	if (!command(device, &admin, "create completion queue", ADMIN_CREATE_CQ, 0, (void *)io.completions, (ENTRIES - 1) << 16 | 1,
		     QUEUE_INTERRUPTS | QUEUE_CONTIGUOUS, 0) ||
	    !command(device, &admin, "create submission queue", ADMIN_CREATE_SQ, 0, io.submissions, (ENTRIES - 1) << 16 | 1,
		     1 << 16 | QUEUE_CONTIGUOUS, 0))
		return "create I/O queues failed";
	irq_count = 0;

	char first[65];
	if (!command(device, &io, "read", NVM_READ, namespace_id, data, 0, 0, last))
		return "read of LBA 0 failed";
	if (printable(first, sizeof first, data, BLOCK))
		report(device, "lba0=\"%s\"", first);

	uint64_t random = random64();
	char token[17];
	text(token, sizeof token, "%08x%08x", (uint32_t)(random >> 32), (uint32_t)random);
	char *written = dma_alloc(BLOCK);
	fill(written, token);
	if (!command(device, &io, "write", NVM_WRITE, namespace_id, written, TEST_LBA, 0, last) ||
	    !command(device, &io, "flush", NVM_FLUSH, namespace_id, NULL, 0, 0, 0))
		return "write failed";
	report(device, "wrote token=%s lba=%u offset=%u bytes=%u", token, TEST_LBA, TEST_LBA << lba_shift, BLOCK);
	if (!command(device, &io, "read", NVM_READ, namespace_id, data, TEST_LBA, 0, last))
		return "read failed";
	if (memcmp(written, data, BLOCK))
		return "read returned other bytes";
	report(device, "read back equal");

	if (!WAIT_MS(5000, irq_count > 0))
		return "waited 5 s for an interrupt";
	report(device, "interrupts=%u kind=%s", irq_count, device->irq_kind);
	return disable();
}

const struct driver nvme_driver = {"nvme", matches, test};
