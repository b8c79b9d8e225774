#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The first and only program of the Linux guest: its drivers, its disk and shared folder, its network, the power button,
# and QEMU's guest agent, by which tests look into it.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
modprobe -a $(cat /etc/modules)
hostname linux-guest
acpid -c /etc/acpi

mount -t virtiofs shared /mnt/shared
mke2fs -q /dev/vda
mount -t ext4 /dev/vda /mnt/disk
ip link set lo up
ip link set eth0 up
udhcpc -q -n -i eth0 -s /etc/udhcpc

# There is no udev that would name the port.
port=$(basename "$(dirname "$(grep -l org.qemu.guest_agent.0 /sys/class/virtio-ports/*/name)")")
while true; do
  qemu-ga -m virtio-serial -p "/dev/$port"
  sleep 1
done
