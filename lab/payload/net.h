// SPDX-License-Identifier: Apache-2.0
// The proof that a network card works, the same for all of them: ARP and ping with 10.0.2.2, QEMU's user network.
#pragma once
#include "pci.h"
#include "ring.h"

// "52:54:00:12:34:56", in a static buffer.
const char *net_mac_text(const uint8_t mac[6]);

// Also waits for an interrupt and reports how many there were. Null, or what went wrong.
const char *net_test(struct pci_device *device, struct ring *ring, const uint8_t mac[6]);
