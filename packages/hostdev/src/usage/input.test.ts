// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeMachine } from "../../test/fake-host/index.ts";
import { enumerateFunctions } from "../pci/enumerate.ts";
import { parseKeyboards } from "./input.ts";
import { readUsage } from "./read-usage.ts";

const fullKeys = "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe";

function entry(name: string, place: string, keys = fullKeys): string {
  return [
    "I: Bus=0003 Vendor=046d Product=c31c Version=0110",
    `N: Name="${name}"`,
    "P: Phys=usb-0000:00:14.0-1/input0",
    `S: Sysfs=/devices/${place}/input/input5`,
    "H: Handlers=sysrq kbd event5 leds ",
    "B: EV=120013",
    `B: KEY=${keys}`,
    "\n",
  ].join("\n");
}

const behind = (address: string) => `pci0000:00/${address}/usb1/1-1/1-1:1.0/0003:046D:C31C.0001`;
const powerButton = entry("Power Button", "LNXSYSTM:00/LNXPWRBN:00", "10000000000000 0");
const mouse = entry("Mouse", behind("0000:00:14.0"), "70000 0 0 0 0");

/** The uses on a machine with xHCI controllers at 00:14.0, 00:1a.0 and 00:1d.0, the last two in one group. */
function usesWith(...entries: string[]) {
  const controller = { class: "0c0330", driver: "xhci_hcd" };
  const host = fakeMachine()
    .iommu()
    .function("0000:00:14.0", { ...controller, group: 4 })
    .function("0000:00:1a.0", { ...controller, group: 5 })
    .function("0000:00:1d.0", { ...controller, group: 5 })
    .file("/proc/bus/input/devices", entries.join(""))
    .open();
  return readUsage(host, enumerateFunctions(host)).uses;
}

test("parseKeyboards() tells keyboards from buttons, mice and nonsense", () => {
  const found = parseKeyboards(
    [powerButton, entry("Logitech K120", behind("0000:00:14.0")), mouse, "B: KEY=fffffffe"].join("\n"),
  );
  assert.deepEqual(found, [
    { name: "Logitech K120", devicePath: `/sys/devices/${behind("0000:00:14.0")}/input/input5` },
  ]);
});

test("readUsage() finds the USB controller of the only keyboard", () => {
  assert.deepEqual(usesWith(powerButton, mouse, entry("K120", behind("0000:00:14.0"))), [
    {
      address: "0000:00:14.0",
      kind: "input",
      path: "K120",
      text: '0000:00:14.0 has keyboard "K120" behind it, and there is no other',
    },
  ]);
});

test("readUsage() minds no keyboard while there is another elsewhere", () => {
  const usb = entry("K120", behind("0000:00:14.0"));
  assert.deepEqual(usesWith(usb, entry("AT keyboard", "platform/i8042/serio0")), []);
  assert.deepEqual(usesWith(usb, entry("Other", behind("0000:00:1a.0"))), []);
});

test("readUsage() counts keyboards that would go together, and not those that programs make", () => {
  const uses = usesWith(
    entry("One", behind("0000:00:1a.0")),
    entry("Two", behind("0000:00:1d.0")),
    entry("ydotool", "virtual"),
  );
  assert.deepEqual(
    uses.map((use) => use.text),
    [
      '0000:00:1a.0 has keyboard "One" behind it, and no other stays',
      '0000:00:1d.0 has keyboard "Two" behind it, and no other stays',
    ],
  );
});

test("readUsage() lets no name that a device gives itself reach a terminal as it is", () => {
  const [use] = usesWith(entry("evil\u001b[2J\u202e", behind("0000:00:14.0")));
  assert.equal(use?.path, "evil\\x1b[2J\\u202e");
  assert.match(use?.text ?? "", /keyboard "evil\\x1b\[2J\\u202e" behind it/);
});
