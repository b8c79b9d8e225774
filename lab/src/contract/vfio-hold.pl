#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Opens the node of an IOMMU group and keeps all it opened until its input ends. Perl, because every Debian has it.
#
#   vfio-hold.pl GROUP                     only the node
#   vfio-hold.pl GROUP claim               puts it into a container with the type 1 IOMMU: takes the group's DMA
#   vfio-hold.pl GROUP claim ADDRESS...    and opens these functions
#
# Prints "viable" or "not viable" as VFIO_GROUP_GET_STATUS has it; or what failed with its errno, and ends with 1.
use strict;
use warnings;
use Errno;
use Fcntl;

# linux/vfio.h: _IO(';', 100 + n) has neither size nor direction.
my ($set_iommu, $get_status, $set_container, $get_device) = map { 0x3b64 + $_ } 2, 3, 4, 6;
my $type1v2 = 3;

sub must {
  my ($what, $result) = @_;
  return if $result;
  my ($errno) = grep { $!{$_} } keys %!;
  print "$what: $errno\n";
  exit 1;
}

$| = 1;
my ($group, $claims, @addresses) = @ARGV;
must('open', sysopen(my $node, "/dev/vfio/$group", O_RDWR));
my $status = pack 'LL', 8, 0;
must('get status', ioctl($node, $get_status, $status));
my (undef, $flags) = unpack 'LL', $status;
my $container;
if ($claims) {
  must('open container', sysopen($container, '/dev/vfio/vfio', O_RDWR));
  my $descriptor = pack 'i', fileno $container;
  must('set container', ioctl($node, $set_container, $descriptor));
  must('set iommu', ioctl($container, $set_iommu, $type1v2));
}
for my $address (@addresses) {
  my $name = "$address\0";
  must("open $address", ioctl($node, $get_device, $name));
}
print $flags & 1 ? "viable\n" : "not viable\n";
1 while <STDIN>;
