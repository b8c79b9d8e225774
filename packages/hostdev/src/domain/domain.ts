// SPDX-License-Identifier: Apache-2.0

/** `<domain>`: the model of a virtual machine, in the order in which libvirt writes it. */
import { raw } from "../xml/raw.ts";
import {
  attribute,
  child,
  childAttribute,
  content,
  type Infer,
  leaf,
  list,
  madeWhenAbsent,
  object,
  required,
  variants,
} from "../xml/schema.ts";
import { sizeContent } from "../xml/sizes.ts";
import { anyText, integer, matching, oneOf, onOff, path, someText, uuid, yesNo } from "../xml/values.ts";
import { clock } from "./clock.ts";
import { cpu } from "./cpu.ts";
import { channel, console, parallel, serial } from "./devices/character-device.ts";
import { controller } from "./devices/controller.ts";
import { disk, throttleLimits } from "./devices/disk.ts";
import { filesystem } from "./devices/filesystem.ts";
import { graphics } from "./devices/graphics.ts";
import { hostDevice } from "./devices/host-device.ts";
import { input } from "./devices/input.ts";
import { memballoon } from "./devices/memballoon.ts";
import { memoryDevice } from "./devices/memory-device.ts";
import { networkInterface } from "./devices/network-interface.ts";
import { rng } from "./devices/rng.ts";
import { hub, iommu, panic, redirdev, redirfilter, shmem, vsock, watchdog } from "./devices/small-devices.ts";
import { smartcard } from "./devices/smartcard.ts";
import { audio, sound } from "./devices/sound.ts";
import { tpm } from "./devices/tpm.ts";
import { video } from "./devices/video.ts";
import { features } from "./features.ts";
import { memoryBacking, numatune } from "./memory-backing.ts";
import { nodeSet } from "./node-set.ts";
import { os } from "./os.ts";
import { qemuCommandline, qemuDeprecation, qemuOverride } from "./qemu-namespace.ts";
import { securityLabel } from "./security-label.ts";
import { blkiotune, cputune, idmap, memtune } from "./tuning.ts";

const lifecycle = oneOf("destroy", "restart", "preserve");
const pmSwitch = (name: string) => childAttribute(name, "enabled", yesNo);

/** `<devices>`. */
const devices = object({
  emulator: leaf("emulator", path),
  disks: list("disk", disk),
  controllers: list("controller", controller),
  filesystems: list("filesystem", filesystem),
  interfaces: list("interface", networkInterface),
  smartcards: list("smartcard", smartcard),
  serials: list("serial", serial),
  parallels: list("parallel", parallel),
  consoles: list("console", console),
  channels: list("channel", channel),
  inputs: list("input", input),
  tpms: list("tpm", tpm),
  graphics: list("graphics", graphics),
  sounds: list("sound", sound),
  audios: list("audio", audio),
  videos: list("video", video),
  hostDevices: list("hostdev", hostDevice),
  redirdevs: list("redirdev", redirdev),
  redirfilter: child("redirfilter", redirfilter),
  hubs: list("hub", hub),
  watchdogs: list("watchdog", watchdog),
  memballoon: child("memballoon", memballoon),
  rngs: list("rng", rng),
  panics: list("panic", panic),
  shmems: list("shmem", shmem),
  memories: list("memory", memoryDevice),
  iommu: child("iommu", iommu),
  vsock: child("vsock", vsock),
});

/** `<domain>`. */
export const domain = object({
  type: required(attribute("type", oneOf("kvm", "qemu"))),
  /** The number of a running domain; of no meaning in a file. */
  id: attribute("id", integer(-1)),
  name: required(leaf("name", matching(/^[^/\n]{1,200}$/, "a name without '/' and line ends"))),
  uuid: leaf("uuid", uuid),
  genid: child("genid", object({ value: content(uuid) })),
  title: leaf("title", matching(/^[^\n]*$/, "one line")),
  description: leaf("description", anyText),
  metadata: child("metadata", raw),
  maxMemory: child(
    "maxMemory",
    object({ slots: attribute("slots", integer(0, 255)), memoryKiB: required(sizeContent()) }),
  ),
  memory: child("memory", object({ dumpCore: attribute("dumpCore", onOff), memoryKiB: required(sizeContent()) })),
  currentMemory: child("currentMemory", object({ memoryKiB: required(sizeContent()) })),
  blkiotune: child("blkiotune", blkiotune),
  memtune: child("memtune", memtune),
  memoryBacking: child("memoryBacking", memoryBacking),
  vcpu: child(
    "vcpu",
    object({
      placement: attribute("placement", oneOf("static", "auto")),
      cpuset: attribute("cpuset", nodeSet),
      current: attribute("current", integer(1)),
      count: required(content(integer(1, 4096))),
    }),
  ),
  iothreads: leaf("iothreads", integer(0, 1000)),
  iothreadIds: child(
    "iothreadids",
    object({
      list: list(
        "iothread",
        object({
          id: required(attribute("id", integer(1, 10000))),
          threadPoolMin: attribute("thread_pool_min", integer(0)),
          threadPoolMax: attribute("thread_pool_max", integer(0)),
          poll: child(
            "poll",
            object({
              max: attribute("max", integer(0)),
              grow: attribute("grow", integer(0)),
              shrink: attribute("shrink", integer(0)),
            }),
          ),
        }),
      ),
    }),
  ),
  defaultIothread: child(
    "defaultiothread",
    object({
      threadPoolMin: attribute("thread_pool_min", integer(0)),
      threadPoolMax: attribute("thread_pool_max", integer(0)),
    }),
  ),
  throttleGroups: child("throttlegroups", object({ list: list("throttlegroup", object(throttleLimits)) })),
  cputune: child("cputune", cputune),
  numatune: child("numatune", numatune),
  resource: child("resource", raw),
  sysinfo: list("sysinfo", sysinfoSchema()),
  os: required(child("os", os)),
  idmap: child("idmap", idmap),
  features: child("features", features),
  cpu: child("cpu", cpu),
  clock: child("clock", clock),
  onPoweroff: leaf("on_poweroff", lifecycle),
  onReboot: leaf("on_reboot", lifecycle),
  onLockfailure: leaf("on_lockfailure", oneOf("poweroff", "restart", "pause", "ignore")),
  onCrash: leaf("on_crash", oneOf("destroy", "restart", "preserve", "coredump-destroy", "coredump-restart")),
  pm: child("pm", object({ suspendToMem: pmSwitch("suspend-to-mem"), suspendToDisk: pmSwitch("suspend-to-disk") })),
  devices: madeWhenAbsent(child("devices", devices), emptyDevices),
  perf: child("perf", raw),
  seclabels: list("seclabel", securityLabel),
  qemuCommandline: child("qemu:commandline", qemuCommandline),
  qemuOverride: child("qemu:override", qemuOverride),
  qemuDeprecation: child("qemu:deprecation", qemuDeprecation),
});

/** A virtual machine. */
export type Domain = Infer<typeof domain>;
export type Devices = Domain["devices"];

function emptyDevices(): Infer<typeof devices> {
  const position = { line: 1, column: 1 };
  const nothing = { name: "devices", localName: "devices", uri: "", attributes: [], children: [], text: "", position };
  return devices.read(nothing, "domain");
}

/** `<sysinfo>`: what the guest's firmware says about the machine, or what its fw_cfg interface hands out. */
function sysinfoSchema() {
  const entries = list("entry", object({ name: required(attribute("name", someText)), value: content(anyText) }));
  const section = (name: string) => child(name, object({ entries }));
  const file = { name: required(attribute("name", someText)), file: attribute("file", path), value: content(anyText) };
  return variants("type", {
    smbios: {
      bios: section("bios"),
      system: section("system"),
      baseBoards: list("baseBoard", object({ entries })),
      chassis: section("chassis"),
      oemStrings: child(
        "oemStrings",
        object({ entries: list("entry", object({ value: required(content(someText)) })) }),
      ),
    },
    fwcfg: { entries: list("entry", object(file)) },
  });
}
