// SPDX-License-Identifier: Apache-2.0
// The chipset's power management: how the machine ends, and how it is asked to.
#pragma once
#include <stdbool.h>

#define MACHINE_PC_IRQ 11u // where all INTx lines go on -M pc

// Finds out which machine this is, sets up its power management registers and returns its name: q35, pc or unknown.
const char *power_init(void);

bool power_button_pressed(void); // since the last call
bool power_hotplug_event(void);	 // since the last call: the ACPI event of PCI hot-plug
unsigned short power_hotplug_port(void); // of the ACPI PCI hot-plug registers; 0 on an unknown machine

// Ends the machine: after a pass by powering off, else by a panic event and a reset.
void end(bool pass) __attribute__((noreturn));

// Prints the verdict "FAIL device: reason" and ends the machine.
void fatal(const char *device, const char *reason) __attribute__((noreturn));
