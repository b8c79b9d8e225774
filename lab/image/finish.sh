#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs inside the new root file system (chroot, as root or as the namespace's root) when all packages are installed.
# Leaves in /lab-out what the host needs: the kernel, a small initrd tree, QEMU with its libraries, an empty data disk, and the packed root.
# Arguments: none. The kernel's .deb lies in /lab-out/kernel.deb.
set -eu
export LC_ALL=C
out=/lab-out

step() { echo "lab: $*"; }

step "kernel and modules"
mkdir "$out/kernel"
dpkg-deb -x "$out"/linux-image-*.deb "$out/kernel"
rm "$out"/linux-image-*.deb
cp "$out"/kernel/boot/vmlinuz-* "$out/vmlinuz"
modules=$(echo "$out"/kernel/lib/modules/* "$out"/kernel/usr/lib/modules/* | tr ' ' '\n' | grep -v '\*')
release=${modules##*/}
# Hardware that QEMU cannot emulate and that would double the image's size.
for directory in drivers/media drivers/net/wireless drivers/infiniband drivers/staging drivers/isdn drivers/bluetooth \
  drivers/gpu/drm/amd drivers/gpu/drm/i915 drivers/gpu/drm/xe drivers/gpu/drm/nouveau drivers/gpu/drm/radeon \
  drivers/accel drivers/iio drivers/hwmon drivers/input/touchscreen drivers/comedi drivers/mtd drivers/target drivers/thunderbolt \
  drivers/usb/serial drivers/usb/gadget drivers/net/usb drivers/net/wwan drivers/platform \
  fs/ocfs2 fs/gfs2 fs/ceph fs/xfs fs/bcachefs fs/smb fs/nfs fs/nfsd fs/afs fs/f2fs fs/ubifs fs/jfs fs/orangefs fs/nilfs2 \
  net/wireless net/mac80211 net/bluetooth net/tipc net/ceph net/sctp net/rxrpc net/sunrpc net/mac802154 net/batman-adv \
  sound/soc sound/usb sound/firewire; do
  rm -rf "$modules/kernel/$directory"
done
# Of the network cards only the vendors that QEMU emulates.
for directory in "$modules"/kernel/drivers/net/ethernet/*; do
  case ${directory##*/} in intel | realtek | amd) ;; *) rm -rf "$directory" ;; esac
done
# Decompressed once here: xz in an emulated machine costs seconds at every boot.
find "$modules" -name '*.ko.xz' -print0 | xargs -0 -r -n 64 -P 2 xz -d
mkdir -p /usr/lib/modules
mv "$modules" "/usr/lib/modules/$release"
rm -r "$out/kernel"
depmod "$release"
echo "$release" > "$out/kernel-release"

step "initrd tree"
mkdir -p "$out/initrd/bin" "$out/initrd/modules"
cp /bin/busybox "$out/initrd/bin/busybox"
# crc32c_generic: erofs fails with "unknown symbol" in libcrc32c without it, and nothing depends on it by name.
: > "$out/initrd/modules/order"
for module in crc32c_generic virtio_blk erofs overlay ext4; do
  modprobe --set-version "$release" --show-depends --ignore-install "$module" | while read -r verb path _; do
    [ "$verb" = insmod ] || continue
    name=${path##*/}
    grep -qx "$name" "$out/initrd/modules/order" || echo "$name" >> "$out/initrd/modules/order"
    cp "$path" "$out/initrd/modules/$name"
  done
done
tar -C "$out/initrd" -cf "$out/initrd.tar" .
rm -r "$out/initrd"

step "QEMU with its libraries"
mkdir -p "$out/qemu/lib" "$out/qemu/modules"
cp /usr/bin/qemu-system-x86_64 /usr/bin/qemu-img "$out/qemu/"
cp /usr/lib/x86_64-linux-gnu/qemu/*.so "$out/qemu/modules/" 2>/dev/null || :
for program in "$out"/qemu/qemu-* "$out"/qemu/modules/*.so; do
  [ -e "$program" ] && ldd "$program" 2>/dev/null || :
done | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' | sort -u | xargs -I{} cp -L {} "$out/qemu/lib/"
mkdir "$out/qemu/share"
cp -rL /usr/share/qemu/. "$out/qemu/share/"
for directory in /usr/share/seabios /usr/lib/ipxe/qemu; do
  [ ! -d "$directory" ] || cp -L "$directory"/* "$out/qemu/share/"
done
tar -C "$out/qemu" -cf "$out/qemu.tar" .
rm -r "$out/qemu"

step "empty data disk"
truncate -s 2G "$out/data.raw"
mkfs.ext4 -q -F -L lab-data -E lazy_itable_init=1,lazy_journal_init=1 -J size=16 "$out/data.raw"
tar -C "$out" -Scf "$out/data.tar" data.raw
rm "$out/data.raw"

step "users and services"
useradd --create-home --shell /bin/bash --uid 1000 alex
useradd --create-home --shell /bin/bash --uid 1001 blake
# Nothing that only costs time here: no display, no login prompts, no schedules, no trace of a crash to save. What a scenario
# may meet on a real host (hugepages, logind, LVM and RAID activation, libvirt's sockets) stays.
systemctl mask --quiet getty@tty1.service serial-getty@ttyS0.service console-getty.service getty-static.service \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer \
  systemd-tmpfiles-clean.timer mdcheck_start.timer mdcheck_continue.timer mdmonitor-oneshot.timer e2scrub_reap.service \
  systemd-random-seed.service systemd-pstore.service systemd-hibernate-clear.service systemd-udev-load-credentials.service \
  systemd-journal-flush.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
  modprobe@drm.service modprobe@efi_pstore.service modprobe@configfs.service \
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount dev-mqueue.mount \
  systemd-importd.socket systemd-sysext.socket systemd-hostnamed.socket systemd-creds.socket uuidd.socket systemd-initctl.socket
# Daemons that sockets start on demand, and nvme-cli's unit, which fails where nothing is to be connected.
for unit in libvirtd libvirt-guests virtlogd virtlockd nvmf-autoconnect nvmefc-boot-connections; do
  rm -f /etc/systemd/system/*.wants/$unit.service
done
systemctl set-default --quiet multi-user.target
systemd-machine-id-setup

step "root file system"
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /var/log/* /lab-finish.sh
# mmdebstrap's own apt configuration lies there, and without it the next apt-get of mmdebstrap would be the host's.
find /tmp -mindepth 1 -maxdepth 1 ! -name 'mmdebstrap.*' -exec rm -rf {} +
# Newer than /usr, so that systemd does no ldconfig or hwdb work at boot.
touch -d '2030-01-01' /etc/.updated /var/.updated
dpkg-query -W -f '${Package} ${Version}\n' > "$out/packages.txt"
# /proc, /sys and /dev are mounted while we pack.
mkfs.erofs --quiet -x-1 --exclude-regex='^((proc|sys|dev|lab-out)/|tmp/mmdebstrap)' "$out/root.erofs" /
