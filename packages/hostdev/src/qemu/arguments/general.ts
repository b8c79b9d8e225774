// SPDX-License-Identifier: Apache-2.0

/** Clock, boot, power management, SMBIOS, throttle groups. */
import { timerOf } from "../../domain/clock.ts";
import type { Domain } from "../../domain/domain.ts";
import { chipsetOf } from "../../domain/machine.ts";
import { unsupported } from "../../xml/complaint.ts";
import { listOf } from "../../xml/values.ts";
import { type Build, deviceArgument, escaped, json, keyValues, objectArgument } from "./options.ts";

/** `-rtc` and the timers' policies. libvirt: qemuBuildClockCommandLine. */
export function clockArguments({ domain, environment }: Build): string[] {
  const { clock } = domain;
  const rtc = timerOf(clock, "rtc");
  const pit = timerOf(clock, "pit");
  if (rtc?.tickpolicy === "merge" || rtc?.tickpolicy === "discard") {
    throw unsupported(
      rtc,
      `tickpolicy '${rtc.tickpolicy}' of the timer rtc is not supported`,
      "tickpolicy delay or catchup",
    );
  }
  if (pit?.tickpolicy === "merge") {
    throw unsupported(
      pit,
      "tickpolicy 'merge' of the timer pit is not supported",
      "tickpolicy delay, catchup or discard",
    );
  }
  const tracks = { guest: "vm", wall: undefined, realtime: "rt" } as const;
  const options = {
    base: clockBase(clock, environment.now),
    clock: rtc?.track === undefined ? undefined : tracks[rtc.track],
    driftfix: rtc?.tickpolicy === "catchup" ? "slew" : undefined,
  };
  const args = [
    "-rtc",
    Object.entries(options)
      .flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]))
      .join(","),
  ];
  if (pit?.tickpolicy === "delay") args.push("-global", "kvm-pit.lost_tick_policy=delay");
  if (pit?.tickpolicy === "discard") args.push("-global", "kvm-pit.lost_tick_policy=discard");
  return args;
}

function clockBase(clock: Domain["clock"], now: Date): string {
  switch (clock?.offset) {
    case "localtime":
    case "timezone":
      return "localtime";
    case "absolute":
      return new Date((clock.startSeconds ?? 0) * 1000).toISOString().slice(0, 19);
    case "variable": {
      const adjusted = new Date(now.getTime() + (clock.adjustmentSeconds ?? 0) * 1000);
      const local = adjusted.getTime() - adjusted.getTimezoneOffset() * 60_000;
      return (clock.basis === "localtime" ? new Date(local) : adjusted).toISOString().slice(0, 19);
    }
    default:
      return "utc";
  }
}

/** What a domain sets in QEMU's environment, beyond what runs it. */
export function environmentOf(domain: Domain): Record<string, string> {
  const variables: Record<string, string> = {};
  if (domain.clock?.offset === "timezone" && domain.clock.timezone !== undefined)
    variables["TZ"] = domain.clock.timezone;
  for (const graphics of domain.devices.graphics) {
    if (graphics.type !== "sdl") continue;
    if (graphics.display !== undefined) variables["DISPLAY"] = graphics.display;
    if (graphics.xauth !== undefined) variables["XAUTHORITY"] = graphics.xauth;
  }
  for (const audio of domain.devices.audios) {
    if (audio.type === "pipewire" && audio.runtimeDir !== undefined)
      variables["PIPEWIRE_RUNTIME_DIR"] = audio.runtimeDir;
    if (audio.type === "sdl" && audio.driver !== undefined) variables["SDL_AUDIODRIVER"] = audio.driver;
  }
  for (const { name, value } of domain.qemuCommandline?.env ?? []) variables[name] = value ?? "";
  return variables;
}

/** Sleep states. The end of a guest is ours to handle (`startCommands`). libvirt: qemuBuildPMCommandLine. */
export function powerArguments({ domain }: Build): string[] {
  const args = ["-no-shutdown"];
  const device = chipsetOf(domain) === "q35" ? "ICH9-LPC" : "PIIX4_PM";
  const { suspendToMem, suspendToDisk } = domain.pm ?? {};
  if (suspendToMem !== undefined) args.push("-global", `${device}.disable_s3=${suspendToMem ? 0 : 1}`);
  if (suspendToDisk !== undefined) args.push("-global", `${device}.disable_s4=${suspendToDisk ? 0 : 1}`);
  return args;
}

/** `-boot`. libvirt: qemuBuildBootCommandLine. */
export function bootArguments({ domain }: Build): string[] {
  const { bootmenu, bios } = domain.os;
  const options = {
    menu: bootmenu?.enable,
    "splash-time": bootmenu?.enable === true ? bootmenu.timeoutMs : undefined,
    "reboot-timeout": bios?.rebootTimeoutMs,
    strict: true,
  };
  return ["-boot", keyValues("", options).slice(1)];
}

/** The fields of each SMBIOS table, in the order in which they are written. */
const smbiosFields = {
  bios: ["vendor", "version", "date", "release"],
  system: ["manufacturer", "product", "version", "serial", "uuid", "sku", "family"],
  baseBoard: ["manufacturer", "product", "version", "serial", "asset", "location"],
  chassis: ["manufacturer", "version", "serial", "asset", "sku"],
} as const;

type SmbiosEntries = readonly { readonly name: string; readonly value?: string | undefined }[];

function smbiosTable(
  type: number,
  fields: readonly string[],
  section: { entries: SmbiosEntries } | undefined,
): string[] {
  if (section === undefined) return [];
  const other = section.entries.find((entry) => !fields.includes(entry.name));
  if (other !== undefined) throw unsupported(section, `entry ${other.name} is not supported`, listOf(fields));
  // QEMU knows the UUID from -uuid.
  const written = fields.filter((field) => field !== "uuid");
  const options = written.map(
    (field) => [field, section.entries.find((entry) => entry.name === field)?.value] as const,
  );
  if (options.every(([, value]) => value === undefined)) return [];
  return ["-smbios", keyValues(`type=${type}`, Object.fromEntries(options))];
}

/** What the guest's firmware tells about the machine. libvirt: qemuBuildSmbiosCommandLine. */
export function smbiosArguments({ domain }: Build): string[] {
  if (domain.os.smbios?.mode !== "sysinfo") return [];
  return domain.sysinfo.flatMap((sysinfo) => {
    if (sysinfo.type !== "smbios") return [];
    const strings = sysinfo.oemStrings?.entries.map((entry) => `value=${escaped(entry.value)}`);
    return [
      ...smbiosTable(0, smbiosFields.bios, sysinfo.bios),
      ...smbiosTable(1, smbiosFields.system, sysinfo.system),
      ...sysinfo.baseBoards.flatMap((board) => smbiosTable(2, smbiosFields.baseBoard, board)),
      ...smbiosTable(3, smbiosFields.chassis, sysinfo.chassis),
      ...(strings === undefined ? [] : ["-smbios", ["type=11", ...strings].join(",")]),
    ];
  });
}

/** What the guest finds in QEMU's fw_cfg interface. libvirt: qemuBuildSysinfoCommandLine. */
export function firmwareConfigArguments({ domain }: Build): string[] {
  return domain.sysinfo.flatMap((sysinfo) =>
    sysinfo.type !== "fwcfg"
      ? []
      : sysinfo.entries.flatMap(({ name, file, value }) => [
          "-fw_cfg",
          keyValues(`name=${escaped(name)}`, { string: value, file }),
        ]),
  );
}

/** Whether QEMU gives the guest's memory back in a process of its own, after it has ended. */
export function teardownArguments({ domain, environment }: Build): string[] {
  const is = domain.features?.asyncTeardown;
  if (is === undefined) return [];
  if (!environment.capabilities.runWith) {
    if (!is) return [];
    throw unsupported(domain.features ?? domain, "<async-teardown> needs QEMU 8.1", "no <async-teardown>");
  }
  return ["-run-with", keyValues("", { "async-teardown": is }).slice(1)];
}

/** The identifier that changes when a guest is copied. */
export function generationIdArguments(build: Build): string[] {
  const { genid } = build.domain;
  return genid === undefined ? [] : deviceArgument(build, { driver: "vmgenid", guid: genid.value, id: "vmgenid0" });
}

/** Limits that several disks share. libvirt: qemuBuildThrottleGroupCommandLine. */
export function throttleArguments({ domain }: Build): string[] {
  return (domain.throttleGroups?.list ?? []).flatMap((group) => {
    const length = (name: string, value: number | undefined) => (value === undefined ? {} : { [name]: value });
    return objectArgument({
      "qom-type": "throttle-group",
      id: `throttle-${group.groupName ?? ""}`,
      limits: {
        "bps-total": group.totalBytesSec ?? 0,
        "bps-read": group.readBytesSec ?? 0,
        "bps-write": group.writeBytesSec ?? 0,
        "iops-total": group.totalIopsSec ?? 0,
        "iops-read": group.readIopsSec ?? 0,
        "iops-write": group.writeIopsSec ?? 0,
        "bps-total-max": group.totalBytesSecMax ?? 0,
        "bps-read-max": group.readBytesSecMax ?? 0,
        "bps-write-max": group.writeBytesSecMax ?? 0,
        "iops-total-max": group.totalIopsSecMax ?? 0,
        "iops-read-max": group.readIopsSecMax ?? 0,
        "iops-write-max": group.writeIopsSecMax ?? 0,
        "iops-size": group.sizeIopsSec ?? 0,
        ...length("bps-total-max-length", group.totalBytesSecMaxLength),
        ...length("bps-read-max-length", group.readBytesSecMaxLength),
        ...length("bps-write-max-length", group.writeBytesSecMaxLength),
        ...length("iops-total-max-length", group.totalIopsSecMaxLength),
        ...length("iops-read-max-length", group.readIopsSecMaxLength),
        ...length("iops-write-max-length", group.writeIopsSecMaxLength),
      },
    });
  });
}

/** What QEMU does when something deprecated is used. */
export function compatArguments({ domain }: Build): string[] {
  const behavior = domain.qemuDeprecation?.behavior;
  if (behavior === undefined || behavior === "none") return [];
  const input = { omit: undefined, reject: "reject", crash: "crash" }[behavior];
  return ["-compat", json({ "deprecated-output": "hide", "deprecated-input": input })];
}
