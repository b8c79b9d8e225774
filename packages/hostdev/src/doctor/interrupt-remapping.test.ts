// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { labMachine, noIommuMachine } from "../../test/fake-host/index.ts";
import { checkInterruptRemapping } from "./interrupt-remapping.ts";

const off = () => labMachine().withoutInterruptRemapping();

test("checkInterruptRemapping() is content where interrupts are remapped", () => {
  assert.deepEqual(
    checkInterruptRemapping(labMachine().open()).map(({ level }) => level),
    ["ok"],
  );
});

test("checkInterruptRemapping() fails with the kernel argument to take away", () => {
  const [finding] = checkInterruptRemapping(off().file("/proc/cmdline", "ro intremap=off").build().open("alex"));
  assert.equal(finding?.code, "HD_INTERRUPT_REMAPPING_OFF");
  assert.match(finding?.fix ?? "", /^Take the kernel argument intremap=off away/);
});

test("checkInterruptRemapping() names the unit that cannot", () => {
  const ecap = "/sys/devices/virtual/iommu/dmar0/intel-iommu/ecap";
  const [finding] = checkInterruptRemapping(off().file(ecap, "f01052\n").open());
  assert.match(finding?.text ?? "", /dmar0 cannot/);
});

test("checkInterruptRemapping() only notes it where the kernel lends all the same", () => {
  const options = "options vfio_iommu_type1 allow_unsafe_interrupts=1\n";
  const [finding] = checkInterruptRemapping(off().file("/etc/modprobe.d/unsafe.conf", options).open());
  assert.equal(finding?.level, "note");
  assert.match(finding?.text ?? "", /lends devices all the same: a guest can send any interrupt to the host/);
});

test("checkInterruptRemapping() says nothing without an IOMMU", () => {
  assert.deepEqual(checkInterruptRemapping(noIommuMachine().open()), []);
});
