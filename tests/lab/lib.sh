# shellcheck shell=bash
# What run, tests/run, tests/bench/run and tests/image/run share: words on the
# terminal and the packages they need.  Sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd) # the top of the source tree

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m' red=$'\033[31m' green=$'\033[32m' yellow=$'\033[33m' plain=$'\033[0m'
else
	bold='' red='' green='' yellow='' plain=''
fi
export PYTHONDONTWRITEBYTECODE=1 # nothing but build/ is written in the tree
export bold red green yellow plain

say() { printf '%s\n' "$*" >&2; }
head_line() { printf '%s== %s%s\n' "$bold" "$*" "$plain" >&2; }
die() {
	printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" = 0 ] || die "$1 must run as root (it makes network namespaces and loads nftables rules)"
}

# The packages of some groups of packages.txt, one a line.
packages_of() {
	local group
	for group in "$@"; do
		awk -v group="$group" '$1 == group { print $2 }' "$root/packages.txt"
	done | sort -u
}

package_there() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Install what is missing of some groups; says nothing when all is there.
packages_install() {
	local package missing=() log
	for package in $(packages_of "$@"); do
		package_there "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] || die "these packages are missing, and only root can install them: ${missing[*]}"
	say "installing ${#missing[@]} packages: ${missing[*]}"
	log=$(mktemp)
	if ! packages_get "${missing[@]}" >"$log" 2>&1; then
		say "refreshing the list of packages ..."
		if ! { apt-get update -q && packages_get "${missing[@]}"; } >>"$log" 2>&1; then
			tail -n 20 "$log" >&2
			rm -f "$log"
			die "these packages could not be installed: ${missing[*]}"
		fi
	fi
	rm -f "$log"
	say "installed"
}

# npm may be there without being Debian's.
npm_install() { command -v npm >/dev/null || packages_install npm; }

# No service of a package is started: the laboratory runs its own, in its
# namespaces.  The policy file asks whether this script still lives, so that one
# left behind by a kill forbids nothing.
packages_get() {
	local policy=/usr/sbin/policy-rc.d result=0
	if [ -e "$policy" ]; then
		policy=
	else
		printf '#!/bin/sh\nkill -0 %s 2>/dev/null && exit 101\nexit 0\n' "$$" >"$policy"
		chmod 755 "$policy"
	fi
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
		-o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=300 \
		-o Dpkg::Use-Pty=0 "$@" || result=$?
	[ -z "$policy" ] || rm -f "$policy"
	return "$result"
}

