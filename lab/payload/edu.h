// SPDX-License-Identifier: Apache-2.0
// QEMU's teaching device; edu_driver is declared in driver.h.
#pragma once
#include "pci.h"

// Has the open device write and read memory that this machine does not have. Null if it was refused.
const char *edu_rogue(struct pci_device *device);
