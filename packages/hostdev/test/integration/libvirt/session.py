# SPDX-License-Identifier: Apache-2.0
"""What scripts do with python3-libvirt, on the session that is named; the domain's XML comes on standard input."""
import sys
import threading
import time

import libvirt

libvirt.registerErrorHandler(lambda _context, _error: None, None)
libvirt.virEventRegisterDefaultImpl()
threading.Thread(target=lambda: [libvirt.virEventRunDefaultImpl() for _ in iter(int, 1)], daemon=True).start()

connection = libvirt.open(sys.argv[1])
assert connection.getType() == "QEMU" and connection.getURI() == "qemu:///session"
assert connection.getHostname() and connection.getInfo()[0] == "x86_64"
assert connection.isAlive() and connection.isSecure() and not connection.isEncrypted()
assert connection.listAllDomains() == [] and connection.listDomainsID() == []
assert connection.listAllNetworks() == [] and connection.listAllStoragePools() == []
assert "computer" in connection.listDevices(None) and len(connection.listAllDevices()) == connection.numOfDevices(None)

try:
    connection.lookupByName("nobody")
    sys.exit("there is no such domain")
except libvirt.libvirtError as error:
    assert error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN
    assert error.get_error_domain() == libvirt.VIR_FROM_QEMU

seen = []
registration = connection.domainEventRegisterAny(
    None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, lambda _c, _d, event, detail, _o: seen.append((event, detail)), None
)

domain = connection.defineXML(sys.stdin.read())
assert connection.listDefinedDomains() == [domain.name()] and domain.isPersistent() and not domain.isActive()
domain.setAutostart(1)
assert domain.autostart() == 1
domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, "described", None, None)
assert domain.metadata(libvirt.VIR_DOMAIN_METADATA_DESCRIPTION, None) == "described"
domain.create()
assert domain.state() == [libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_RUNNING_BOOTED]
assert connection.lookupByID(domain.ID()).UUIDString() == domain.UUIDString()
assert domain.info()[3] == 1 and domain.maxVcpus() == 1 and domain.vcpus()[0][0][1] == 1
assert domain.memoryStats()["actual"] == 65536
[(found, figures)] = connection.getAllDomainStats()
assert found.name() == domain.name() and figures["state.state"] == 1 and figures["cpu.time"] > 0

stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
domain.openConsole(None, stream, libvirt.VIR_DOMAIN_CONSOLE_FORCE)
for _ in range(5):
    assert stream.recv(1024) == -2  # nothing to read: the guest has no system that would say anything
    time.sleep(0.05)
assert stream.send(b"typed") == 5
stream.abort()

domain.suspend()
domain.resume()
domain.undefine()
assert not domain.isPersistent()
domain.destroy()
for _ in range(100):
    if (libvirt.VIR_DOMAIN_EVENT_STOPPED, libvirt.VIR_DOMAIN_EVENT_STOPPED_DESTROYED) in seen:
        break
    time.sleep(0.05)
connection.domainEventDeregisterAny(registration)
print([event for event, _ in seen])
connection.close()
