// SPDX-License-Identifier: Apache-2.0
// Registers have the same places in the 82540EM, the 82574 and the 82576 VF. Descriptors: "legacy" (82574 datasheet,
// "Receive" and "Transmit Functionality") and "advanced, one buffer" (82576 datasheet, the same chapters).
#include "ring.h"
#include "irq.h"
#include "memory.h"

#define RDBAL 0x2800
#define RDBAH 0x2804
#define RDLEN 0x2808
#define RDH 0x2810
#define RDT 0x2818
#define TDBAL 0x3800
#define TDBAH 0x3804
#define TDLEN 0x3808
#define TDH 0x3810
#define TDT 0x3818

#define DESCRIPTORS 16u
#define RING_BYTES (DESCRIPTORS * 16)
#define DONE 0x1u // DD, the lowest status bit in both formats

#define COMMAND_EOP (1u << 24)	// end of packet
#define COMMAND_IFCS (1u << 25) // append the checksum
#define COMMAND_RS (1u << 27)	// report when done
#define ADVANCED_DATA (3u << 20 | 1u << 29)
#define ADVANCED_LENGTH(length) ((length) << 14)

#define MINIMUM_FRAME 60u // Ethernet, without the checksum

static void give_receive_buffer(struct ring *ring, unsigned i)
{
	ring->receive[i][0] = (uint32_t)ring->receive_buffers + i * RING_FRAME_SIZE;
	ring->receive[i][1] = ring->receive[i][2] = ring->receive[i][3] = 0;
}

void ring_init(struct ring *ring, uint32_t registers, bool advanced)
{
	*ring = (struct ring){.registers = registers, .advanced = advanced};
	ring->receive = dma_alloc(RING_BYTES);
	ring->transmit = dma_alloc(RING_BYTES);
	ring->receive_buffers = dma_alloc(DESCRIPTORS * RING_FRAME_SIZE);
	ring->transmit_buffer = dma_alloc(RING_FRAME_SIZE);
	for (unsigned i = 0; i < DESCRIPTORS; i++)
		give_receive_buffer(ring, i);
	mmio_write(registers, RDBAL, (uint32_t)ring->receive);
	mmio_write(registers, RDBAH, 0);
	mmio_write(registers, RDLEN, RING_BYTES);
	mmio_write(registers, RDH, 0);
	mmio_write(registers, RDT, 0);
	mmio_write(registers, TDBAL, (uint32_t)ring->transmit);
	mmio_write(registers, TDBAH, 0);
	mmio_write(registers, TDLEN, RING_BYTES);
	mmio_write(registers, TDH, 0);
	mmio_write(registers, TDT, 0);
}

void ring_start(struct ring *ring) { mmio_write(ring->registers, RDT, DESCRIPTORS - 1); }

bool ring_send(struct ring *ring, const void *frame, unsigned length)
{
	volatile uint32_t *descriptor = ring->transmit[ring->transmit_next];
	memset(ring->transmit_buffer, 0, MINIMUM_FRAME);
	memcpy(ring->transmit_buffer, frame, length);
	if (length < MINIMUM_FRAME)
		length = MINIMUM_FRAME;
	descriptor[0] = (uint32_t)ring->transmit_buffer;
	descriptor[1] = 0;
	descriptor[2] = length | COMMAND_EOP | COMMAND_IFCS | COMMAND_RS | (ring->advanced ? ADVANCED_DATA : 0);
	descriptor[3] = ring->advanced ? ADVANCED_LENGTH(length) : 0;
	ring->transmit_next = (ring->transmit_next + 1) % DESCRIPTORS;
	mmio_write(ring->registers, TDT, ring->transmit_next);
	return WAIT_MS(1000, descriptor[3] & DONE);
}

unsigned ring_receive(struct ring *ring, void *frame)
{
	unsigned i = ring->receive_next;
	volatile uint32_t *descriptor = ring->receive[i];
	if (!(descriptor[ring->advanced ? 2 : 3] & DONE))
		return 0;
	unsigned length = descriptor[ring->advanced ? 3 : 2] & 0xffff;
	if (length > RING_FRAME_SIZE)
		length = RING_FRAME_SIZE;
	memcpy(frame, ring->receive_buffers + i * RING_FRAME_SIZE, length);
	give_receive_buffer(ring, i);
	mmio_write(ring->registers, RDT, i);
	ring->receive_next = (i + 1) % DESCRIPTORS;
	return length;
}
