# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What kernel and root share: the cache, its locks, and apt with lists of its own.
#
#	BULWARK_CACHE   where kernels and root images stay between runs: /var/cache/bulwark, or
#	                build/cache where that can't be written

PATH=$PATH:/usr/sbin:/sbin
vm=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd "$vm/../.." && pwd)

die() { printf 'vm: %s\n' "$*" >&2; exit 1; }
# What this machine can't give is no fault of the tree: the caller reports a skipped test.
cannot() { printf 'vm: %s\n' "$*" >&2; exit 77; }
say() { printf 'vm: %s\n' "$*" >&2; }

cache=${BULWARK_CACHE:-/var/cache/bulwark}
if ! mkdir -p "$cache" 2>/dev/null || [ ! -w "$cache" ]; then
	cache=$tree/build/cache
	mkdir -p "$cache" || exit 1
fi

# recipe FILE-OR-TEXT...: changes when what is made from them would.
recipe() { { cat "$vm/${0##*/}" "$vm/cache.bash"; printf '%s\n' "$@"; } | sha256sum | cut -c 1-12; }

# Two runs at once make a thing once: the second waits, and finds it.
lock() {
	exec 9>"$cache/$1.lock"
	flock 9
}

# Where this machine gets Debian from: SUITE -> the site that has it. Only names of suites are
# written down here, the sites are the machine's own.
site_of() {
	local own=''
	case $1 in
	*-security) own=-security ;;
	esac
	# shellcheck disable=SC2016 # apt's variables, not ours
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Identifier: Packages' |
		awk -v release="$(. /etc/os-release && echo "$VERSION_CODENAME")$own" \
			'$1 == release && $2 == "main" { print $3; exit }'
}

# use_suites NAME SUITE...: has apt_do and apt_ask look at these suites and nothing else, with
# lists not older than a day. Fails when they can't be had.
use_suites() {
	local suite site
	apt=$cache/apt-$1
	shift
	mkdir -p "$apt"/{lists/partial,archives/partial}
	for suite; do
		site=$(site_of "$suite")
		[ -n "$site" ] || { say "no source of this machine's apt has '$suite'"; return 1; }
		# old releases are kept, but not signed anew
		echo "deb [arch=amd64 check-valid-until=no" \
			"signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main"
	done >"$apt/sources.list"
	[ -n "$(find "$apt/fresh" -newer "$apt/sources.list.used" -mmin -1440 2>/dev/null)" ] &&
		cmp -s "$apt/sources.list" "$apt/sources.list.used" && return 0
	apt_do update -o APT::Update::Error-Mode=any >"$apt/log" 2>&1 ||
		{ tail -n 3 "$apt/log" >&2; return 1; }
	cp "$apt/sources.list" "$apt/sources.list.used"
	touch "$apt/fresh"
}

apt_options() {
	printf -- '-o\n%s\n' "Dir::Etc::SourceList=$apt/sources.list" Dir::Etc::SourceParts=/dev/null \
		Dir::Etc::Preferences=/dev/null Dir::Etc::PreferencesParts=/dev/null \
		"Dir::State::Lists=$apt/lists" Dir::State::Status=/dev/null "Dir::Cache=$apt" \
		APT::Architecture=amd64 APT::Sandbox::User=root Acquire::Languages=none
}

apt_do() {
	local options
	mapfile -t options < <(apt_options)
	apt-get -qq "${options[@]}" "$@"
}

apt_ask() {
	local options
	mapfile -t options < <(apt_options)
	apt-cache "${options[@]}" "$@"
}
