// SPDX-License-Identifier: Apache-2.0

/** `<features>`: switches of the machine and of the hypervisor's interfaces. */
import { attribute, child, childAttribute, flag, type Infer, object, required } from "../xml/schema.ts";
import { sizeContent } from "../xml/sizes.ts";
import { integer, matching, oneOf, onOff, yesNo } from "../xml/values.ts";

const state = required(attribute("state", onOff));
const on = (name: string) => childAttribute(name, "state", onOff);
const optionalState = (name: string) => child(name, object({ state: attribute("state", onOff) }));

const hyperv = object({
  mode: attribute("mode", oneOf("custom", "passthrough")),
  relaxed: on("relaxed"),
  vapic: on("vapic"),
  spinlocks: child("spinlocks", object({ state, retries: attribute("retries", integer(4095, 0xffffffff)) })),
  vpindex: on("vpindex"),
  runtime: on("runtime"),
  synic: on("synic"),
  stimer: child("stimer", object({ state, direct: on("direct") })),
  reset: on("reset"),
  vendorId: child(
    "vendor_id",
    object({ state, value: attribute("value", matching(/^[^,]{1,12}$/, "at most 12 characters without a comma")) }),
  ),
  frequencies: on("frequencies"),
  reenlightenment: on("reenlightenment"),
  tlbflush: child("tlbflush", object({ state, direct: on("direct"), extended: on("extended") })),
  ipi: on("ipi"),
  evmcs: on("evmcs"),
  avic: on("avic"),
  emsrBitmap: on("emsr_bitmap"),
  xmmInput: on("xmm_input"),
});

const kvm = object({
  hidden: on("hidden"),
  hintDedicated: on("hint-dedicated"),
  pollControl: on("poll-control"),
  pvIpi: on("pv-ipi"),
  dirtyRing: child("dirty-ring", object({ state, size: attribute("size", integer(1024, 65536)) })),
});

/** `<features>`. */
export const features = object({
  acpi: flag("acpi"),
  apic: child("apic", object({ eoi: attribute("eoi", onOff) })),
  pae: flag("pae"),
  hyperv: child("hyperv", hyperv),
  kvm: child("kvm", kvm),
  pvspinlock: optionalState("pvspinlock"),
  pmu: optionalState("pmu"),
  vmport: optionalState("vmport"),
  smm: child(
    "smm",
    object({ state: attribute("state", onOff), tsegKiB: child("tseg", object({ kib: required(sizeContent("MiB")) })) }),
  ),
  ioapic: childAttribute("ioapic", "driver", oneOf("kvm", "qemu")),
  vmcoreinfo: optionalState("vmcoreinfo"),
  ps2: on("ps2"),
  asyncTeardown: childAttribute("async-teardown", "enabled", yesNo),
  tcg: child("tcg", object({ tbCacheKiB: child("tb-cache", object({ kib: required(sizeContent()) })) })),
});

export type Features = Infer<typeof features>;

/** A switch that may be given without `state`, which means on. */
export function switchState(feature: { state?: boolean | undefined } | undefined): boolean | undefined {
  return feature === undefined ? undefined : (feature.state ?? true);
}
