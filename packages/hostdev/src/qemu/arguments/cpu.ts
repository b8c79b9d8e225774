// SPDX-License-Identifier: Apache-2.0

/** `-cpu`. libvirt: qemuBuildCpuCommandLine. */
import type { Cpu } from "../../domain/cpu.ts";
import type { Domain } from "../../domain/domain.ts";
import { type Features, switchState } from "../../domain/features.ts";
import { invalid, unsupported } from "../../xml/complaint.ts";
import { type Build, escaped } from "./options.ts";

/** The processor of a domain that says nothing. */
const usualModel = "qemu64";

/** The processor with its features and the hypervisor's interfaces. */
export function cpuArguments(build: Build): string[] {
  const { domain } = build;
  const { cpu } = domain;
  const parts = [...model(build, cpu), ...(cpu === undefined ? [] : features(cpu)), ...timers(domain)];
  parts.push(...hypervisorInterfaces(domain.features));
  if (domain.devices.panics.some((panic) => panic.model === "hyperv")) parts.push("hv-crash");
  parts.push(...kvmInterfaces(domain.features));
  const pmu = switchState(domain.features?.pmu);
  if (pmu !== undefined) parts.push(`pmu=${onOff(pmu)}`);
  if (cpu !== undefined) parts.push(...cacheAndAddressing(cpu));
  return ["-cpu", parts.map(escaped).join(",")];
}

function model({ domain, environment }: Build, cpu: Cpu | undefined): string[] {
  const vendor = cpu?.model?.vendorId === undefined ? [] : [`vendor=${cpu.model.vendorId}`];
  const migratable = cpu?.migratable === undefined ? [] : [`migratable=${onOff(cpu.migratable)}`];
  switch (cpu?.mode ?? "custom") {
    case "host-passthrough":
      if (domain.type !== "kvm") throw needsKvm(cpu ?? domain);
      return ["host", ...(migratable.length > 0 ? migratable : ["migratable=on"]), ...vendor];
    case "maximum":
      return ["max", ...migratable, ...vendor];
    case "host-model":
      if (environment.hostCpu === undefined) {
        throw unsupported(
          cpu ?? domain,
          "the processor of this host is not known here",
          "mode host-passthrough, maximum, or custom with a <model>",
        );
      }
      return [...environment.hostCpu[domain.type].split(","), ...vendor];
    default:
      if (cpu?.match === "minimum")
        throw unsupported(cpu, "match 'minimum' depends on the host's processor", "match exact");
      return [cpu?.model?.name ?? usualModel, ...vendor];
  }
}

function needsKvm(place: object) {
  return unsupported(
    place,
    "mode host-passthrough needs KVM, and the domain is of type qemu",
    "mode maximum, or custom with a <model>, in domains of type qemu",
  );
}

/** Features that QEMU calls differently than libvirt, beyond dashes for underscores. */
const qemuNames: Readonly<Record<string, string>> = { pclmuldq: "pclmulqdq" };

/** Features in QEMU's spelling. */
function features(cpu: Cpu): string[] {
  return cpu.features.map((feature) => {
    const { name, policy = "require" } = feature;
    if (policy === "optional") {
      throw unsupported(
        feature,
        `policy 'optional' of feature ${name} depends on the host's processor`,
        "policy require, force, disable or forbid",
      );
    }
    return `${qemuNames[name] ?? name.replaceAll("_", "-")}=${onOff(policy === "require" || policy === "force")}`;
  });
}

function timers({ clock }: Domain): string[] {
  const parts: string[] = [];
  for (const timer of clock?.timers ?? []) {
    if (timer.name === "kvmclock" && timer.present !== undefined) parts.push(`kvmclock=${onOff(timer.present)}`);
    if (timer.name === "hypervclock" && timer.present === true) parts.push("hv-time=on");
    if (timer.name === "tsc" && timer.frequencyHz !== undefined) parts.push(`tsc-frequency=${timer.frequencyHz}`);
  }
  return parts;
}

/** The interfaces that make a guest faster, KVM's own and Hyper-V's. */
function hypervisorInterfaces(switches: Features | undefined): string[] {
  const parts: string[] = [];
  if (switches?.apic?.eoi !== undefined) parts.push(`kvm-pv-eoi=${onOff(switches.apic.eoi)}`);
  const spinlock = switchState(switches?.pvspinlock);
  if (spinlock !== undefined) parts.push(`kvm-pv-unhalt=${onOff(spinlock)}`);
  const hyperv = switches?.hyperv;
  if (hyperv === undefined) return parts;
  if (hyperv.mode === "passthrough") return [...parts, "hv-passthrough=on"];
  const add = (name: string, on: boolean | undefined) => {
    if (on === true) parts.push(`hv-${name}=on`);
  };
  add("relaxed", hyperv.relaxed);
  add("vapic", hyperv.vapic);
  if (hyperv.spinlocks?.state === true) {
    parts.push(
      hyperv.spinlocks.retries === undefined
        ? "hv-spinlocks=0x1fff"
        : `hv-spinlocks=0x${hyperv.spinlocks.retries.toString(16)}`,
    );
  }
  add("vpindex", hyperv.vpindex);
  add("runtime", hyperv.runtime);
  add("synic", hyperv.synic);
  add("stimer", hyperv.stimer?.state);
  if (hyperv.stimer?.state === true) add("stimer-direct", hyperv.stimer.direct);
  add("reset", hyperv.reset);
  if (hyperv.vendorId?.state === true) {
    if (hyperv.vendorId.value === undefined) throw invalid(hyperv.vendorId, "attribute 'value' is missing");
    parts.push(`hv-vendor-id=${hyperv.vendorId.value}`);
  }
  add("frequencies", hyperv.frequencies);
  add("reenlightenment", hyperv.reenlightenment);
  add("tlbflush", hyperv.tlbflush?.state);
  if (hyperv.tlbflush?.state === true) {
    add("tlbflush-direct", hyperv.tlbflush.direct);
    add("tlbflush-ext", hyperv.tlbflush.extended);
  }
  add("ipi", hyperv.ipi);
  add("evmcs", hyperv.evmcs);
  add("avic", hyperv.avic);
  add("emsr-bitmap", hyperv.emsrBitmap);
  add("xmm-input", hyperv.xmmInput);
  return parts;
}

function kvmInterfaces(switches: Features | undefined): string[] {
  const parts: string[] = [];
  if (switches?.kvm?.hidden === true) parts.push("kvm=off");
  if (switches?.kvm?.hintDedicated === true) parts.push("kvm-hint-dedicated=on");
  if (switches?.kvm?.pollControl === true) parts.push("kvm-poll-control=on");
  if (switches?.kvm?.pvIpi === false) parts.push("kvm-pv-ipi=off");
  return parts;
}

function cacheAndAddressing({ cache, maxPhysAddr }: Cpu): string[] {
  const parts: string[] = [];
  if (cache !== undefined) {
    if (cache.mode === "emulate" && cache.level === 3) parts.push("l3-cache=on");
    else if (cache.mode === "passthrough" && cache.level === undefined) parts.push("host-cache-info=on");
    else if (cache.mode === "disable" && cache.level === undefined) parts.push("l3-cache=off", "host-cache-info=off");
    else
      throw unsupported(
        cache,
        "this combination of cache mode and level is not supported",
        "emulate at level 3, or passthrough or disable without level",
      );
  }
  if (maxPhysAddr?.mode === "passthrough") {
    parts.push("host-phys-bits=on");
    if (maxPhysAddr.limit !== undefined) parts.push(`host-phys-bits-limit=${maxPhysAddr.limit}`);
  }
  if (maxPhysAddr?.mode === "emulate") {
    if (maxPhysAddr.bits === undefined) throw invalid(maxPhysAddr, "attribute 'bits' is missing");
    parts.push(`phys-bits=${maxPhysAddr.bits}`);
  }
  return parts;
}

function onOff(on: boolean): string {
  return on ? "on" : "off";
}
