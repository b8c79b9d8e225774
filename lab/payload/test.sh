#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests the payload in plain QEMU, without VFIO: test.sh OUTPUT_DIR. Leaves the ROM and each case's output there.
# shellcheck disable=SC2086 # lists of arguments are split on purpose
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUTPUT_DIR" >&2; exit 2; }
source=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
qemu=${QEMU:-qemu-system-x86_64}
mkdir -p "$1"
cd "$1"
"$source/build.sh" guest.rom
: >failures # a file, because the right side of a pipe can't set variables

not_ok() { echo "not ok $name: $*" | tee -a failures >&2; }

# begin NAME: the next case. Its output is NAME.log.
begin() {
	name=$1
	: >"$name.log"
	echo "case $name"
}

guest() {
	timeout 30 "$qemu" -m 64 -nodefaults -no-user-config -display none -no-reboot -bios guest.rom "$@" 2>"$name.err"
}

ended() { [ "$1" = "$2" ] || not_ok "QEMU ended with $1 instead of $2"; }

# run STATUS ARGUMENTS...: QEMU has to end with this status.
run() {
	expected=$1
	shift
	status=0
	guest -serial "file:$name.log" "$@" || status=$?
	ended $status $expected
}

has() { grep -Eq "^guest: $1\$" "$name.log" || not_ok "no line \"guest: $1\""; }

# wait_for COUNT LINE: until the guest has printed it so often.
wait_for() {
	tries=0
	until [ "$(grep -c "^guest: $2" "$name.log")" -ge "$1" ] || [ $tries -ge 100 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
}

disk() {
	truncate -s 0 "$1"
	echo 'a disk of the host' >"$1"
	truncate -s 16M "$1"
}

# has_block DISK: the block on the disk is the one that follows from the token the guest printed (README.md).
has_block() {
	token=$(sed -n 's/^guest: nvme .* wrote token=\([0-9a-f]*\) .*/\1/p' "$name.log")
	offset=$(sed -n 's/^guest: nvme .* wrote .* offset=\([0-9]*\) .*/\1/p' "$name.log")
	awk -v token="$token" 'BEGIN {
		printf "hostdev-lab token=%s\n", token
		for (i = 35; i < 4096; i++)
			printf "%s", substr(token, 1 + (i + int(i / 16) + int(i / 512)) % 16, 1)
	}' >expected.block
	dd if="$1" bs=4096 skip=$((${offset:-0} / 4096)) count=1 2>/dev/null | cmp -s - expected.block ||
		not_ok "the block is not on the disk"
}

address='[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]'
exit_device='-device isa-debug-exit,iobase=0xf4,iosize=4'
stay='-fw_cfg name=opt/hostdev/mode,string=stay'

has_nic() { # CHIP IRQ
	has "nic $address mac=52:54:00:[0-9a-f:]{8} link=up chip=$1"
	has "nic $address sent arp who-has 10.0.2.2 tell 10.0.2.77"
	has "nic $address got arp reply 10.0.2.2 is-at [0-9a-f:]{17}"
	has "nic $address ping 10.0.2.2 reply bytes=64"
	has "nic $address interrupts=[1-9][0-9]* kind=$2"
}
has_edu() {
	has "edu $address dma equal bytes=1024"
	has "edu $address interrupts=2 kind=msi"
}
has_nvme() { # DISK
	has "nvme $address model=\"QEMU NVMe Ctrl\" serial=LAB1"
	has "nvme $address lba0=\"a disk of the host\""
	has "nvme $address read back equal"
	has "nvme $address interrupts=[1-9][0-9]* kind=msix"
	has_block "$1"
}

begin e1000e
run 1 -M q35 $exit_device -netdev user,id=n -device e1000e,netdev=n
has_nic 82574l msix
has 'PASS devices=1'

begin e1000-behind-bridges
run 1 -M q35 $exit_device -device pcie-root-port,id=p0 -device pcie-pci-bridge,id=bridge,bus=p0 \
	-netdev user,id=n -device e1000,netdev=n,bus=bridge,addr=3
has_nic 82540em intx
has 'PASS devices=1'

begin nvme
disk nvme.img
run 1 -M q35 $exit_device -drive file=nvme.img,format=raw,if=none,id=d -device nvme,drive=d,serial=LAB1
has_nvme nvme.img

begin nvme-4k
disk nvme-4k.img
run 1 -M q35 $exit_device -drive file=nvme-4k.img,format=raw,if=none,id=d \
	-device nvme,drive=d,serial=LAB1,logical_block_size=4096,physical_block_size=4096
has_nvme nvme-4k.img

begin edu
run 1 -M q35 $exit_device -device edu
has_edu

for machine in q35 pc; do
	begin "all-$machine" # without an exit device: a pass powers off
	disk all.img
	if [ $machine = q35 ]; then
		bus=bridge
		bridges='-device pcie-root-port,id=p0 -device pcie-pci-bridge,id=bridge,bus=p0'
	else
		bus=pci.0
		bridges='-device pci-bridge,id=bridge,chassis_nr=1'
	fi
	run 0 -M $machine $bridges -drive file=all.img,format=raw,if=none,id=d -device nvme,drive=d,serial=LAB1 \
		-netdev user,id=n -device e1000,netdev=n,bus=bridge,addr=3 -netdev user,id=m -device e1000e,netdev=m \
		-device edu,bus=$bus,addr=9
	has_nvme all.img
	has_nic 82540em intx
	has_nic 82574l 'msix?'
	has_edu
	has 'PASS devices=4'
done

begin rogue
run 1 -M q35 $exit_device -device edu -fw_cfg name=opt/hostdev/mode,string=rogue
has "edu $address rogue write addr=0a000000 value=[0-9a-f]{8}"
has "edu $address rogue read addr=0a000000 value=[0-9a-f]{8}"
has 'PASS devices=1'

# hotplug CASE PORT MACHINE...: a network card comes, goes and an edu takes its place; then the power button is pressed.
hotplug() {
	begin "$1"
	bus=$2
	shift 2
	{
		wait_for 1 waiting
		echo "device_add e1000e,id=x,bus=$bus,netdev=n"
		wait_for 2 waiting
		echo 'device_del x'
		wait_for 1 'hotplug removed'
		sleep 0.2
		echo "device_add edu,id=y,bus=$bus"
		wait_for 3 waiting
		echo system_powerdown
	} | run 0 $stay -monitor stdio -netdev user,id=n "$@" >"$name.monitor"
	has_nic 82574l 'msix?'
	has_edu
	has 'power button'
}
hotplug stay-q35 p0 -M q35 -device pcie-root-port,id=p0
hotplug stay-native p0 -M q35 -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off -device pcie-root-port,id=p0
hotplug stay-pc pci.0 -M pc

begin commands
status=0
{
	wait_for 1 waiting
	printf a
	wait_for 2 waiting
	printf r
	wait_for 3 waiting
	printf p
} | guest $stay -M q35 -device edu -device pvpanic -action panic=exit-failure -serial stdio >"$name.log" || status=$?
ended $status 1
has_edu
has 'PASS devices=0'
has panic

begin fail-no-network
run 3 -M q35 $exit_device -device edu -device e1000e
has "FAIL nic $address: waited 8 s for an arp reply of 10.0.2.2"

begin fail-no-link
printf 'set_link n off\ncont\n' |
	run 3 -M q35 $exit_device -S -monitor stdio -netdev user,id=n -device e1000,netdev=n >"$name.monitor"
has "FAIL nic $address: waited 5 s for the link"

begin fail-nothing
run 3 -M q35 $exit_device
has 'FAIL pci: no device to test'

if "$qemu" -device help | grep -q '"igb"'; then
	echo 'igbvf: not tested here, QEMU has igb but a Linux host must make the virtual function; the lab does'
else
	echo 'igbvf: not tested here, this QEMU has no igb'
fi
[ -s failures ] && { echo FAIL; exit 1; }
echo PASS
