// SPDX-License-Identifier: Apache-2.0
import { testCard, testDomain } from "../domains.ts";

/** A method of libvirt-dbus that is called on hostdev and on libvirt. */
export interface DbusCase {
  /** Object and method, such as `Domain.Create`. */
  readonly method: string;
  /** Signature and values, as busctl takes them. */
  readonly args?: readonly string[];
  /** How it comes out on both, or on hostdev and on libvirt. */
  readonly fails?: boolean | readonly [hostdev: boolean, libvirt: boolean];
  /** Why the answer differs; without it the answer is the same. */
  readonly differs?: string;
  /** What in the answer is different each time: replaced by `*` before comparing. */
  readonly ignore?: RegExp;
}

const root = "/org/libvirt/QEMU";
/** The objects that the cases are about, by the names of their interfaces. */
export const dbusObjects: Readonly<Record<string, string>> = {
  Connect: root,
  Interface: `${root}/interface/00_3a00_3a00_3a00_3a00_3a00`, // lo, by its MAC address
  NodeDevice: `${root}/nodedev/pci_5f0000_5f00_5f01_5f0`,
  Domain: `${root}/domain/_5a1f0c3e_1111_4c6e_9a01_0000000000aa`,
};

const figures = /\d+/g;
const none = ["u", "0"];
const snapshots = "hostdev has no snapshots";
const properties = (object: string): DbusCase => ({ method: `${object}.GetAll`, args: ["s", `org.libvirt.${object}`] });
const figuresOfLibvirt =
  "hostdev has fewer figures: no cache monitor, haltpoll, dirty rate, last update of the balloon; of a domain that is off no CPU time";

/** In this order, since each works on what the ones before have left; cockpit's page for VMs calls most of them. */
export const dbusCases: readonly DbusCase[] = [
  properties("Connect"),
  { method: "Connect.ListDomains", args: none },
  { method: "Connect.ListNetworks", args: none },
  { method: "Connect.ListStoragePools", args: none },
  { method: "Connect.ListInterfaces", args: none },
  { method: "Connect.ListNodeDevices", args: none },
  { method: "Connect.ListNWFilters", args: none },
  { method: "Connect.ListSecrets", args: none },
  { method: "Connect.GetCapabilities", differs: "as virsh capabilities" },
  {
    method: "Connect.GetDomainCapabilities",
    args: ["ssssu", "", "x86_64", "q35", "", "0"],
    differs: "as virsh domcapabilities",
  },
  { method: "Connect.NodeGetMemoryStats", args: ["iu", "-1", "0"], ignore: figures },
  { method: "Connect.NodeGetCPUMap", args: none },
  { method: "Connect.DomainLookupByName", args: ["s", "nobody"], fails: true },
  { method: "Connect.NetworkLookupByName", args: ["s", "nobody"], fails: true },
  { method: "Connect.StoragePoolLookupByName", args: ["s", "nobody"], fails: true },
  { method: "Connect.StorageVolLookupByPath", args: ["s", "/nobody"], fails: true },
  { method: "Connect.NetworkDefineXML", args: ["s", "<network/>"], fails: true, differs: "hostdev makes no networks" },
  { method: "Connect.InterfaceLookupByName", args: ["s", "lo"] },
  { method: "Connect.InterfaceLookupByName", args: ["s", "nobody"], fails: true },
  properties("Interface"),
  { method: "Interface.GetXMLDesc", args: none },
  { method: "Connect.NodeDeviceLookupByName", args: ["s", "pci_0000_00_01_0"] },
  { method: "Connect.NodeDeviceLookupByName", args: ["s", "pci_ffff_ff_1f_7"], fails: true },
  properties("NodeDevice"),
  { method: "NodeDevice.GetXMLDesc", args: none },
  { method: "NodeDevice.ListCaps" },
  {
    method: "Connect.DomainDefineXML",
    args: ["s", "<domain>"],
    fails: true,
    differs: "the reason is hostdev's own words",
  },
  { method: "Connect.DomainDefineXML", args: ["s", testDomain] },
  properties("Domain"),
  { method: "Domain.GetXMLDesc", args: none, differs: "as virsh dumpxml" },
  { method: "Domain.GetState", args: none },
  { method: "Domain.GetStats", args: ["uu", "0", "0"], differs: figuresOfLibvirt },
  { method: "Domain.HasManagedSaveImage", args: none },
  { method: "Domain.ListDomainSnapshots", args: none },
  { method: "Domain.SnapshotLookupByName", args: ["su", "nobody", "0"], fails: true, differs: snapshots },
  { method: "Domain.SnapshotCreateXML", args: ["su", "<domainsnapshot/>", "0"], fails: true, differs: snapshots },
  { method: "Domain.InterfaceAddresses", args: ["uu", "0", "0"], fails: true },
  { method: "Domain.AttachDevice", args: ["su", testCard, "2"] },
  { method: "Domain.DetachDevice", args: ["su", testCard, "2"] },
  { method: "Domain.Rename", args: ["su", "renamed", "0"] },
  { method: "Domain.Rename", args: ["su", "vm", "0"] },
  { method: "Domain.SetMetadata", args: ["isssu", "0", "described", "", "", "2"] },
  { method: "Domain.GetMetadata", args: ["isu", "0", "", "2"] },
  { method: "Domain.Set", args: ["ssv", "org.libvirt.Domain", "Autostart", "b", "true"] },
  { method: "Domain.Get", args: ["ss", "org.libvirt.Domain", "Autostart"] },
  { method: "Domain.Shutdown", args: none, fails: true },
  { method: "Domain.InjectNMI", args: none, fails: true },
  { method: "Domain.Create", args: none },
  { method: "Domain.Create", args: none, fails: true },
  properties("Domain"),
  { method: "Domain.GetState", args: none },
  { method: "Domain.GetStats", args: ["uu", "0", "0"], differs: figuresOfLibvirt },
  { method: "Domain.InterfaceAddresses", args: ["uu", "0", "0"] },
  { method: "Domain.AttachDevice", args: ["su", testCard, "1"] },
  { method: "Domain.Suspend" },
  { method: "Domain.Resume" },
  { method: "Domain.InjectNMI", args: none },
  { method: "Domain.SendKey", args: ["uuauu", "0", "0", "3", "29", "56", "111", "0"] },
  {
    method: "Domain.SendKey",
    args: ["uuauu", "0", "0", "1", "300", "0"],
    fails: true,
  },
  { method: "Domain.Reset", args: none },
  { method: "Domain.Shutdown", args: none },
  { method: "Domain.Destroy", args: none },
  { method: "Domain.Destroy", args: none, fails: true },
  { method: "Domain.Undefine", args: none },
  { method: "Connect.DomainLookupByName", args: ["s", "vm"], fails: true },
];
