// SPDX-License-Identifier: Apache-2.0
// What a driver is: it knows its functions, and proves that one works.
#pragma once
#include "pci.h"

struct driver {
	const char *kind;
	bool (*matches)(const struct pci_device *device);
	// With the function open. Returns null, or in words what went wrong.
	const char *(*test)(struct pci_device *device);
};

extern const struct driver nvme_driver, e1000_driver, igbvf_driver, edu_driver;

// Prints a line about the device: "guest: KIND ADDRESS " and the text.
#define report(device, format, ...) say("%s %s " format, (device)->kind, (device)->name, ##__VA_ARGS__)
