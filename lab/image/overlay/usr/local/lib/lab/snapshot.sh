#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Prints what a grant may change on this host, one fact a line: KEY, a tab, VALUE. lab/src/snapshot.ts reads it.
# Few processes, because each costs tens of milliseconds here.
cd /

# A fresh login first: it starts alex's user manager, whose limits are then listed below in every snapshot.
printf 'login/alex/memlock\t%s\n' "$(su -l alex -c 'echo $(ulimit -Sl) $(ulimit -Hl)')"

find /sys/bus/pci/devices/*/ -maxdepth 0 -printf 'pci/%f/present\tyes\n'
find /sys/bus/pci/devices/*/driver -printf 'pci/%h/driver\t%l\n' 2> /dev/null | sed 's,pci//sys/bus/pci/devices/,pci/,; s,\t.*/,\t,'
grep -H '' /sys/bus/pci/devices/*/{driver_override,sriov_numvfs,sriov_drivers_autoprobe,reset_method,power/control} 2> /dev/null |
  sed 's,^/sys/bus/pci/devices/\([^/]*\)/\([^:]*\):,pci/\1/\2\t,'
find /dev/vfio /dev/iommu -printf 'node%p\t%y %m %u:%g\n' 2> /dev/null
getfacl -R -c -p -s /dev/vfio 2> /dev/null | sed -n 's/^\(user\|group\):\([^:]\+\):/acl\/dev\/vfio\/\1\/\2\t/p'
sed 's/ .*//; s/^/module\//; s/$/\tloaded/' /proc/modules

for process in /proc/[0-9]*; do
  [ -O "$process" ] && continue
  owner= name= limit=
  while read -r key value _; do
    case $key in Name:) name=$value ;; Uid:) owner=$value ;; esac
  done 2> /dev/null < "$process/status"
  [ "$owner" = 1000 ] || continue
  while read -r word1 word2 word3 soft hard _; do
    [ "$word1 $word2 $word3" = "Max locked memory" ] && limit="$soft $hard"
  done 2> /dev/null < "$process/limits"
  printf 'process/alex/%s\t%s\n' "$name" "$limit"
done

files='/etc /run/hostdev /var/lib/hostdev /run/udev/rules.d /run/systemd/system'
find $files -printf 'file%p\t%y %m %u:%g %l\n' 2> /dev/null
find $files -type f -print0 2> /dev/null | xargs -0 -r sha256sum 2> /dev/null | sed 's,^\([0-9a-f]*\)  \(.*\)$,sha256\2\t\1,'
