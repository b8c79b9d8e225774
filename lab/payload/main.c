// SPDX-License-Identifier: Apache-2.0
// Tests every device there is a driver for, prints the verdict, and then ends the machine or waits for more.
#include "console.h"
#include "driver.h"
#include "edu.h"
#include "fwcfg.h"
#include "hotplug.h"
#include "irq.h"
#include "memory.h"
#include "power.h"

static const struct driver *const drivers[] = {&nvme_driver, &e1000_driver, &igbvf_driver, &edu_driver};

static const struct driver *find_driver(const struct pci_device *device)
{
	for (unsigned i = 0; i < sizeof drivers / sizeof *drivers; i++)
		if (drivers[i]->matches(device))
			return drivers[i];
	return NULL;
}

static const char *run(struct pci_device *device, const char *(*test)(struct pci_device *))
{
	dma_free_all();
	irq_expect(NULL);
	const char *error = pci_open(device);
	if (!error)
		error = test(device);
	pci_close(device);
	cpu_sleep(); // takes an interrupt that is still on its way, lest it count for the next device
	return error;
}

// Tests what has not been tested, and prints the verdict. None at all is a failure unless that may be.
static bool test_devices(bool rogue, bool none_is_fine)
{
	const struct pci_device *failed = NULL;
	const char *reason = NULL;
	unsigned tested = 0;
	pci_scan();
	for (unsigned i = 0; i < pci_device_count; i++) {
		struct pci_device *device = &pci_devices[i];
		const struct driver *driver = find_driver(device);
		if (device->tested || !driver || (rogue && driver != &edu_driver))
			continue;
		device->tested = true;
		device->kind = driver->kind;
		const char *error = run(device, rogue ? edu_rogue : driver->test);
		tested++;
		if (!error)
			continue;
		report(device, "error: %s", error);
		if (!failed) {
			failed = device;
			reason = error;
		}
	}
	if (failed)
		say("FAIL %s %s: %s", failed->kind, failed->name, reason);
	else if (!tested && !none_is_fine)
		say("FAIL pci: no device to test");
	else
		say("PASS devices=%u", tested);
	return !failed && (tested || none_is_fine);
}

static void __attribute__((noreturn)) wait(void)
{
	say("waiting");
	for (;;) {
		cpu_sleep();
		enum pci_change change = hotplug_poll();
		if (change & PCI_REMOVED)
			pci_scan(); // forget it now: another may take its place
		bool again = change & PCI_ADDED;
		switch (console_read()) {
		case 'a':
			for (unsigned i = 0; i < pci_device_count; i++)
				pci_devices[i].tested = false;
			again = true;
			break;
		case 'r':
			again = true;
			break;
		case 'q':
			say("power off");
			end(true);
		case 'p':
			say("panic");
			end(false);
		}
		if (power_button_pressed()) {
			say("power button");
			end(true);
		}
		if (again) {
			test_devices(false, true);
			say("waiting");
		}
	}
}

void main(void)
{
	char mode[16];
	const char *machine = power_init();
	irq_init();
	fwcfg_read("opt/hostdev/mode", mode, sizeof mode);
	if (!mode[0])
		text(mode, sizeof mode, "once");
	say("start mode=%s machine=%s", mode, machine);
	if (same_text(mode, "once"))
		end(test_devices(false, false));
	if (same_text(mode, "rogue"))
		end(test_devices(true, false));
	if (same_text(mode, "stay")) {
		test_devices(false, true);
		wait();
	}
	fatal("mode", "neither once, stay nor rogue");
}
