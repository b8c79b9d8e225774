// SPDX-License-Identifier: Apache-2.0
// PCI hot-plug while waiting.
#pragma once
#include "pci.h"

// Lets devices come and go, by ACPI or their own slot's means.
enum pci_change hotplug_poll(void);
