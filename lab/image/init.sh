#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# The lab's initrd: the packed root (read-only) under a writable data disk, plus the files of /overlay, then systemd.
# The data disk is empty at the first boot of a machine and keeps everything over its later boots.
/bin/busybox mkdir -p /proc /sys /dev /lower /upper /sysroot
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

fail() {
  echo "lab-init: $*" > /dev/console
  sync
  # With QEMU's -no-reboot this ends the machine at once, instead of leaving the host to wait for a timeout.
  echo b > /proc/sysrq-trigger
}

# Module files are listed in the order in which they must be loaded.
while read -r module; do
  insmod "/modules/$module" 2> /dev/null
done < /modules/order

disk_of() {
  for tries in 1 2 3 4 5 6 7 8 9 10; do
    for block in /sys/block/vd*; do
      [ "$(cat "$block/serial" 2> /dev/null)" = "$1" ] && echo "/dev/${block##*/}" && return 0
    done
    sleep 0.3
  done
  return 1
}

root=$(disk_of lab-root) || fail "no disk with serial lab-root"
data=$(disk_of lab-data) || fail "no disk with serial lab-data"
mount -t erofs -o ro "$root" /lower || fail "cannot mount the root file system on $root"
mount -t ext4 -o noatime "$data" /upper || fail "cannot mount the data disk on $data"
mkdir -p /upper/root /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/root,workdir=/upper/work overlay /sysroot || fail "cannot mount the overlay"
# Only once: what the machine has changed since must outlive its reboot.
if [ ! -e /upper/installed ]; then
  cp -a /overlay/. /sysroot/ || fail "cannot copy the lab's files"
  touch /upper/installed
fi
mount --move /proc /sysroot/proc
mount --move /sys /sysroot/sys
mount --move /dev /sysroot/dev
exec switch_root /sysroot /sbin/init
