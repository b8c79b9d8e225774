# SPDX-License-Identifier: Apache-2.0
"""A script of an ordinary user with python3-libvirt: a card that is lent to him leaves his running VM and comes again."""
import signal
import sys

import libvirt

signal.alarm(90)  # ends it, should an event never come
libvirt.registerErrorHandler(lambda _context, _error: None, None)
libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open("qemu:///session")

card = connection.nodeDeviceLookupByName("pci_0000_01_00_0")
assert card.listCaps() == ["pci"] and "<name>vfio-pci</name>" in card.XMLDesc()
assert card.name() in [device.name() for device in connection.listAllDevices(libvirt.VIR_CONNECT_LIST_NODE_DEVICES_CAP_PCI_DEV)]
card.dettach()  # root has done it
card.detachFlags("vfio")
try:
    card.reAttach()
    sys.exit("a user has given the card back to the host")
except libvirt.libvirtError as error:
    assert error.get_error_code() == libvirt.VIR_ERR_ACCESS_DENIED
    print(error)

events = []
for name, number in (
    ("added", libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_ADDED),
    ("removed", libvirt.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED),
):
    connection.domainEventRegisterAny(None, number, lambda _c, domain, alias, kind: events.append((kind, domain.name(), alias)), name)


def happens(kind):
    """Waits for the next event, which must be of this kind."""
    while not events:
        libvirt.virEventRunDefaultImpl()
    print(*events[0])
    assert events.pop(0)[0] == kind


domain = connection.lookupByName(sys.argv[1])
is_there = lambda flags: "<hostdev " in domain.XMLDesc(flags)
live_and_config = libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG
xml = """<hostdev mode='subsystem' type='pci' managed='no'>
  <source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>
</hostdev>"""

domain.detachDeviceFlags(xml, live_and_config)
happens("removed")
assert not is_there(0) and not is_there(libvirt.VIR_DOMAIN_XML_INACTIVE)
domain.attachDeviceFlags(xml, live_and_config)
happens("added")
assert is_there(0) and is_there(libvirt.VIR_DOMAIN_XML_INACTIVE)
try:
    domain.attachDevice(xml)
    sys.exit("the VM has the card twice")
except libvirt.libvirtError as error:
    assert error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID
connection.close()
