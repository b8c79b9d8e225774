// SPDX-License-Identifier: Apache-2.0
// Interrupts: the local APIC with its timer, the I/O APIC for INTx, and bounded waiting on top of them.
#pragma once
#include "io.h"

// What a device writes for a message-signalled interrupt to this processor (Intel SDM vol. 3, "Message Signalled Interrupts").
#define MSI_ADDRESS 0xfee00000u
#define MSI_DATA 0x50u // the vector, edge-triggered

#define TICK_MS 10u

extern volatile uint32_t irq_ticks; // milliseconds / TICK_MS since the start
extern volatile uint32_t irq_count; // device interrupts since irq_expect()

void irq_init(void);

// Counts from zero again; acknowledge, when given, is called for each interrupt to make the device take back its request.
void irq_expect(void (*acknowledge)(void));

// Sleeps until the condition holds, at most so many milliseconds; true if it does hold.
#define WAIT_MS(milliseconds, condition)                                                            \
	({                                                                                          \
		uint32_t start_ = irq_ticks;                                                        \
		bool holds_;                                                                        \
		while (!(holds_ = (condition)) && irq_ticks - start_ <= (milliseconds) / TICK_MS)   \
			cpu_sleep();                                                                \
		holds_;                                                                             \
	})
