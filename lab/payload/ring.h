// SPDX-License-Identifier: Apache-2.0
// The descriptor rings that Intel's gigabit controllers have in common: one to send, one to receive.
#pragma once
#include "io.h"

#define RING_FRAME_SIZE 2048u

struct ring {
	uint32_t registers;
	bool advanced; // the descriptor format
	volatile uint32_t (*receive)[4], (*transmit)[4];
	uint8_t *receive_buffers, *transmit_buffer;
	unsigned receive_next, transmit_next;
};

// Tells the controller where the rings are; ring_start() then hands it the receive buffers, once it is enabled.
void ring_init(struct ring *ring, uint32_t registers, bool advanced);
void ring_start(struct ring *ring);

bool ring_send(struct ring *ring, const void *frame, unsigned length); // false if the controller did not take it within 1 s
unsigned ring_receive(struct ring *ring, void *frame);		       // the length, 0 when there is none
