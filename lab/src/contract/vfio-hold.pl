#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Opens the node of an IOMMU group, as root or whoever runs it, and keeps all it opened until its input ends.
#
#   vfio-hold.pl GROUP                     only the node
#   vfio-hold.pl GROUP claim               puts it into a container of the type 1 IOMMU, which takes the group's DMA
#   vfio-hold.pl GROUP claim ADDRESS...    and opens these functions
#
# Prints one line: "viable" or "not viable" (VFIO_GROUP_GET_STATUS before any claim), or "WHAT: ERRNO" and ends with 1.
use strict;
use warnings;
use Errno;
use Fcntl;

# linux/vfio.h: _IO(';', 100 + n), without size and direction.
my ($get_status, $set_container, $set_iommu, $get_device) = (0x3b67, 0x3b68, 0x3b66, 0x3b6a);
my $type1v2 = 3;

my ($group, $claim, @addresses) = @ARGV;
sub must { my ($what, $result) = @_; return $result if defined $result; print "$what: ", errno(), "\n"; exit 1 }
sub errno { return (grep { $!{$_} } keys %!)[0] }

$| = 1;
must('open', sysopen(my $node, "/dev/vfio/$group", O_RDWR) || undef);
my $status = pack 'LL', 8, 0;
must('status', ioctl($node, $get_status, $status));
my $viable = (unpack 'LL', $status)[1] & 1;
if ($claim) {
  must('open the container', sysopen(our $container, '/dev/vfio/vfio', O_RDWR) || undef);
  my $descriptor = pack 'i', fileno $container;
  must('set container', ioctl($node, $set_container, $descriptor));
  must('set iommu', ioctl($container, $set_iommu, $type1v2));
  for my $address (@addresses) {
    my $name = "$address\0";
    must("open $address", ioctl($node, $get_device, $name));
  }
}
print $viable ? "viable\n" : "not viable\n";
1 while <STDIN>;
