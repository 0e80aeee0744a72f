#!/usr/bin/perl
# SPDX-License-Identifier: MIT
#
# asn2mmdb.pl OUT EPOCH CSV...
#
# Makes one MaxMind DB, for IPv4 and IPv6 alike, of tables
#     first address, last address, AS number, organisation
# (RFC 4180, no header).  EPOCH, seconds since 1970, becomes the build date:
# that of the tables, not of today.
use strict;
use warnings;

use MaxMind::DB::Writer::Tree;

my ($out, $epoch, @tables) = @ARGV;
die "usage: asn2mmdb.pl OUT EPOCH CSV...\n" if !@tables || $epoch !~ /\A\d+\z/;

my %type = (
	autonomous_system_number       => 'uint32',
	autonomous_system_organization => 'utf8_string',
);
my $tree = MaxMind::DB::Writer::Tree->new(
	ip_version            => 6,
	record_size           => 24,
	database_type         => 'ip-location-db asn',
	languages             => ['en'],
	description           => {
		en => 'IP to AS number by RouteViews, DB-IP and NRO, CC BY 4.0, from the tables of ip-location-db'
	},
	alias_ipv6_to_ipv4    => 1,
	map_key_type_callback => sub { $type{ $_[0] } },
);

# Blocks that lead elsewhere: the writer keeps 6to4 and Teredo as other names
# of the IPv4 addresses inside them and takes nothing of their own, nor what
# is reserved.
my $elsewhere = qr/\A(?:2002:|2001:0{0,4}:)/;

my ($rows, $left_out) = (0, 0);
for my $table (@tables) {
	open my $in, '<:encoding(UTF-8)', $table or die "$table: $!\n";
	while (my $line = <$in>) {
		$line =~ s/\r?\n\z//;
		my ($first, $last, $asn, $org) =
		    $line =~ /\A([0-9a-fA-F.:]+),([0-9a-fA-F.:]+),(\d+),("(?:[^"]|"")*"|[^"]*)\z/
		    or die "$table:$.: not a row of this table\n";
		if ($org =~ s/\A"(.*)"\z/$1/s) {
			$org =~ s/""/"/g;
		}
		if ($first =~ $elsewhere) {
			$left_out++;
			next;
		}
		$tree->insert_range($first, $last,
			{ autonomous_system_number => $asn, autonomous_system_organization => $org });
		$rows++;
		print STDERR "  $rows networks\n" if $rows % 100_000 == 0;
	}
	close $in or die "$table: $!\n";
}
$tree->_set_build_epoch($epoch);

open my $to, '>:raw', $out or die "$out: $!\n";
$tree->write_tree($to);
close $to or die "$out: $!\n";
print STDERR "  $rows networks, $left_out left out\n";
