#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install.sh - installs polytect as a service of this machine, or removes it.
#
#	curl -s -L .../install.sh | sh -s <polycorder auth key> [node id]
#	curl -s -L .../install.sh | sh -s uninstall
#	curl -s -L .../install.sh | sh -s -- --log-file /var/log/crashes.log
#
# It is read from a pipe, so it brings the services' files with it, and nothing runs before its last
# line has arrived. Secrets are never in the arguments of a program that it starts, nor in what it
# prints.
set -u
umask 077

release_default=https://github.com/polyverse/polytect/releases/latest/download

usage() {
	cat <<-'USAGE'
		usage: install.sh <polycorder auth key> [node id]
		       install.sh [OPTION...]
		       install.sh uninstall [--purge]

		  -p, --polycorder KEY          send events to a Polycorder, with this key
		  -n, --polycorder-node-id ID   what this machine is called there
		  -l, --log-file PATH           append events to this file
		  -s, --syslog                  send events to this machine's syslog
		      --pagerduty KEY           raise detections as incidents in PagerDuty
		      --sha256 SUM              the program has to have this checksum, too
		      --uninstall, uninstall    remove polytect; events that still wait and logs stay
		      --purge                   with uninstall: remove those, too
		  -h, --help

		Through a pipe: sh -s <key>, sh -s uninstall, sh -s -- OPTION...

		Without a place to send events to, installed settings are kept; if there are none, events
		are written to /var/log/polytect/polytect.log.

		BULWARK_RELEASE (a URL or a directory) says where the program and SHA256SUMS come from;
		otherwise they are looked for beside this script, then in the latest release.
	USAGE
}

say() { printf '%s\n' "install: $*"; }
die() {
	printf '%s\n' "install: $*" >&2
	exit 1
}
wrong() {
	printf '%s\n' "install: $*; see --help" >&2
	exit 2
}
have() { command -v "$1" >/dev/null 2>&1; }

# --- what is wanted ---

action=install polycorder='' node='' log_file='' syslog='' pagerduty='' wanted_sum='' purge=''
key_given='' node_given='' sinks_given=''

# DESTDIR is another root directory, such as a test's.
place() {
	root=${DESTDIR:-}
	binary=/usr/local/bin/polytect
	libraries=/usr/local/lib/polytect
	config=/etc/polytect/polytect.toml
	unit=/etc/systemd/system/polytect.service
	openrc=/etc/init.d/polytect
	state=/var/lib/polytect
	logs=/var/log/polytect
}

value_of() { # OPTION COUNT: there has to be a value behind it
	[ "$2" -ge 2 ] || wrong "option '$1' needs a value"
}

read_arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		-p | --polycorder) value_of "$1" $#; set_key "$2"; shift ;;
		-n | --polycorder-node-id) value_of "$1" $#; set_node "$2"; shift ;;
		-l | --log-file) value_of "$1" $#; set_log_file "$2"; shift ;;
		-s | --syslog) syslog=yes sinks_given=yes ;;
		--pagerduty)
			value_of "$1" $#
			[ -n "$2" ] || wrong "the PagerDuty key is empty"
			pagerduty=$2 sinks_given=yes
			shift
			;;
		--sha256) value_of "$1" $#; wanted_sum=$2; shift ;;
		--uninstall) action=uninstall ;;
		--purge) purge=yes ;;
		-h | --help) usage; exit 0 ;;
		--) shift; break ;;
		# It may be a key that begins with a dash: it is not said again.
		-*) wrong "there is an option that is not known; a key that begins with '-' goes behind --polycorder" ;;
		uninstall) action=uninstall ;;
		*) set_positional "$1" ;;
		esac
		shift
	done
	for argument; do set_positional "$argument"; done
	check_arguments
}

set_positional() {
	if [ -z "$key_given" ]; then
		set_key "$1"
	elif [ -z "$node_given" ]; then
		set_node "$1"
	else
		wrong "there are more arguments than an auth key and a node id"
	fi
}

set_key() {
	[ -z "$key_given" ] || wrong "the auth key is given twice"
	[ -n "$1" ] || wrong "the auth key is empty"
	polycorder=$1 key_given=yes sinks_given=yes
}

set_node() {
	[ -z "$node_given" ] || wrong "the node id is given twice"
	[ -n "$1" ] || wrong "the node id is empty"
	node=$1 node_given=yes
}

set_log_file() {
	case $1 in
	*[[:cntrl:]]*) wrong "the log file's path has control characters in it" ;;
	*/) wrong "log file '$1' is a directory" ;;
	/*) ;;
	*) wrong "log file '$1' has to be an absolute path" ;;
	esac
	log_file=$1 sinks_given=yes
}

check_arguments() {
	if [ $action = uninstall ]; then
		[ -z "$sinks_given$node_given$wanted_sum" ] || wrong "uninstall takes no other arguments than --purge"
		return
	fi
	[ -z "$purge" ] || wrong "--purge goes with uninstall only"
	[ -z "$node_given" ] || [ -n "$key_given" ] || wrong "a node id needs an auth key"
}

# --- this machine ---

# Without a service manager nobody would start it again.
find_manager() {
	if [ -d "$root/run/systemd/system" ]; then
		manager=systemd
		have systemctl || die "systemd runs here, but there is no systemctl in PATH"
	elif [ -e "$root/run/openrc/softlevel" ]; then
		manager=openrc
		have rc-service || die "OpenRC runs here, but there is no rc-service in PATH"
	else
		die "neither systemd nor OpenRC runs here: nothing was changed. In a container, run '$(basename "$binary") --console json' (or --configfile) as its main process or in the background"
	fi
}

check_machine() {
	[ "$(uname -s)" = Linux ] || die "this is $(uname -s); polytect is for Linux"
	[ -n "$root" ] || [ "$(id -u)" = 0 ] || die "this has to run as root: put 'sudo' before 'sh'"
	[ -n "$root" ] || ! have dpkg-query ||
		! dpkg-query -W -f='${Status}' polytect 2>/dev/null | grep -q 'ok installed' ||
		die "polytect is installed as a Debian package: edit $config and run 'systemctl restart polytect', or remove the package first"
}

# --- release ---

find_release() {
	release=${BULWARK_RELEASE:-}
	[ -z "$release" ] || return 0
	case $0 in
	*install.sh)
		here=$(cd "$(dirname "$0")" && pwd)
		for release in "$here" "$here/../build/release"; do
			[ ! -e "$release/SHA256SUMS" ] || return 0
		done
		;;
	esac
	release=$release_default
}

# fetch NAME FILE
fetch() {
	case $release in
	http://* | https://*)
		if have curl; then
			curl -fsSL --retry 2 -o "$2" "$release/$1"
		elif have wget; then
			wget -q -O "$2" "$release/$1"
		else
			die "there is neither curl nor wget to download with; download the release by hand and set BULWARK_RELEASE to its directory"
		fi
		;;
	*) cp "${release#file://}/$1" "$2" ;;
	esac || die "can't get '$1' from '$release'; BULWARK_RELEASE names another place"
}

sha256_of() {
	if have sha256sum; then
		sha256sum <"$1"
	elif have shasum; then
		shasum -a 256 <"$1"
	elif have openssl; then
		openssl dgst -sha256 -r <"$1"
	fi | sed 's/[^0-9a-fA-F].*//' | tr A-F a-f
}

# listed_sum NAME: what SHA256SUMS says of it
listed_sum() {
	awk -v name="$1" '{ file = $2; sub(/^\*/, "", file) } file == name { print $1; exit }' \
		"$work/SHA256SUMS" | tr A-F a-f
}

# fetch_checked NAME
fetch_checked() {
	listed=$(listed_sum "$1")
	[ ${#listed} = 64 ] || die "SHA256SUMS of '$release' has no checksum of '$1': it is not installed"
	fetch "$1" "$work/$1"
	found=$(sha256_of "$work/$1")
	[ -n "$found" ] ||
		die "there is no sha256sum, shasum or openssl to check '$1' with: it is not installed"
	[ "$found" = "$listed" ] ||
		die "'$1' from '$release' is damaged or was changed: its SHA-256 is $found and should be $listed; nothing was installed"
}

get_program() {
	fetch SHA256SUMS "$work/SHA256SUMS"
	program=polytect-$(uname -m)
	[ -n "$(listed_sum "$program")" ] || program=polytect
	fetch_checked "$program"
	[ -z "$wanted_sum" ] || [ "$(printf %s "$wanted_sum" | tr A-F a-f)" = "$found" ] ||
		die "'$program' has the SHA-256 $found, and --sha256 wants another; nothing was installed"
	mkdir -p "$work/bin"
	chmod 755 "$work/$program"
	mv "$work/$program" "$work/bin/polytect"
	get_libraries
}

starts() { "$work/bin/polytect" --version >"$work/version" 2>"$work/why"; }

# The system's libraries are used where they are, because they are kept up to date; a release brings
# its own for machines that lack some. The program finds them at ../lib/polytect from where it is.
get_libraries() {
	bundle=
	starts && return 0
	bundle=polytect-libraries-$(uname -m).tar.gz
	if [ -n "$(listed_sum "$bundle")" ]; then
		fetch_checked "$bundle"
		mkdir -p "$work/lib/polytect"
		tar -xzf "$work/$bundle" -C "$work/lib/polytect" || die "can't unpack '$bundle'"
		starts && return 0
	fi
	die "'polytect' of '$release' can't run here ($(uname -m)): $(head -n 1 "$work/why")"
}

# --- settings ---

# toml_text: standard input as a TOML string. Every byte that means something to TOML is escaped.
toml_text() {
	# The last x keeps newlines at the end.
	{ cat && printf x; } | LC_ALL=C awk '
		BEGIN {
			for (n = 1; n < 32; n++)
				escape[sprintf("%c", n)] = sprintf("\\u%04X", n)
			escape[sprintf("%c", 127)] = "\\u007F"
			escape["\""] = "\\\""
			escape["\\"] = "\\\\"
			printf "\""
		}
		{ line = (NR > 1 ? line "\n" : "") $0 }
		END {
			for (n = 1; n < length(line); n++) {
				c = substr(line, n, 1)
				printf "%s", (c in escape) ? escape[c] : c
			}
			printf "\"\n"
		}'
}

put_text() { # KEY VALUE
	printf '%s = ' "$1"
	printf %s "$2" | toml_text
}

print_config() {
	cat <<-'CONFIG'
		# Every setting with its default: polytect config
		# After a change: polytect check /etc/polytect/polytect.toml, then reload the service.

		[auto_configure]
		exception_trace = true
		fatal_signals = true
		klog_include_timestamp = true
		# the kernel's old settings come back when polytect ends
		restore = true

		[monitor]
		gobble_old_events = false
	CONFIG
	if [ -n "$polycorder" ]; then
		printf '\n[polycorder]\n'
		put_text auth_key "$polycorder"
		[ -z "$node" ] || put_text node_id "$node"
	fi
	if [ -n "$pagerduty" ]; then
		printf '\n[pagerduty]\n'
		put_text routing_key "$pagerduty"
	fi
	[ -z "$syslog" ] || printf '\n[syslog]\nformat = "text"\ndestination = "default"\n'
	if [ -n "$log_file" ]; then
		printf '\n[logfile]\nformat = "json"\n'
		put_text filepath "$log_file"
		[ "$log_file" != "$logs/polytect.log" ] ||
			printf 'rotation_file_count = 4\nrotation_file_max_size = "16M"\n'
	fi
}

# What waits for a Polycorder's answer is named after nothing in here: new settings find it again.
make_config() {
	new_config=
	if [ -z "$sinks_given" ]; then
		if [ -e "$root$config" ]; then
			check_config "$root$config"
			say "settings in $config are kept"
			return
		fi
		log_file=$logs/polytect.log
	fi
	new_config=$work/polytect.toml
	print_config >"$new_config"
	check_config "$new_config"
}

check_config() {
	"$work/bin/polytect" check "$1" >"$work/said" 2>&1 ||
		die "the settings are refused, nothing was installed: $(tail -n 1 "$work/said" | sed "s|$work/||")"
}

# --- services ---

print_unit() {
	cat <<'UNIT'
[Unit]
Description=Polytect: sees attacks in the kernel log
Documentation=man:polytect(8)
# Not the network: what can't be delivered yet waits on disk, and what crashes early is seen.
After=local-fs.target systemd-sysctl.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/local/bin/polytect --configfile /etc/polytect/polytect.toml
# Wrong settings are told by "systemctl reload" itself; the running ones stay.
ExecReload=/usr/local/bin/polytect check /etc/polytect/polytect.toml
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# 2: the settings are wrong, and will be next time.
RestartPreventExitStatus=2
WatchdogSec=120
TimeoutStopSec=30
StateDirectory=polytect
StateDirectoryMode=0700
LogsDirectory=polytect
LogsDirectoryMode=0750
UMask=0077

# SYSLOG: /dev/kmsg. SYS_ADMIN: programs in the kernel, and to find another instance by its BPF map;
# where there can't be one, BPF and PERFMON do for it (Linux 5.8). SYS_PTRACE: which executables other
# users' processes ran before the start. DAC_READ_SEARCH: what rootless container engines keep in home
# directories.
CapabilityBoundingSet=CAP_SYSLOG CAP_SYS_ADMIN CAP_SYS_PTRACE CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
DevicePolicy=closed
DeviceAllow=/dev/kmsg r
LimitMEMLOCK=infinity
LockPersonality=yes
MemoryDenyWriteExecute=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=read-only
ProtectHostname=yes
ProtectKernelModules=yes
# The kernel log and its settings are what polytect is about.
ProtectKernelLogs=no
ProtectKernelTunables=no
ProtectSystem=strict
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallErrorNumber=EPERM
SystemCallFilter=@system-service bpf
SystemCallFilter=~@privileged @resources
SystemCallFilter=bpf
MemoryMax=256M
TasksMax=32
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
UNIT
}

print_openrc() {
	cat <<'OPENRC'
#!/sbin/openrc-run
# Polytect: sees attacks in the kernel log.

name=polytect
description="Sees attacks in the kernel log"
extra_started_commands="reload"
description_reload="Read the settings again"

supervisor=supervise-daemon
command=/usr/local/bin/polytect
config=/etc/polytect/polytect.toml
command_args="--configfile $config"
error_log=/var/log/polytect/messages.log
umask=077
# no_new_privs=yes is misspelt by OpenRC 0.45 itself
supervise_daemon_args="--no-new-privs"
respawn_delay=5
respawn_max=0
retry="TERM/30/KILL/5"

depend() {
	# "after" is no more than an order: not every system has all of them
	after localmount bootmisc sysctl
	use net logger
}

start_pre() {
	checkpath --directory --mode 0700 /var/lib/polytect
	checkpath --directory --mode 0750 /var/log/polytect
	"$command" check "$config" >/dev/null
}

reload() {
	ebegin "Reloading $name"
	"$command" check "$config" >/dev/null &&
		supervise-daemon "$RC_SVCNAME" --signal HUP
	eend $?
}
OPENRC
}

# systemd_path: standard input as a path in quotes: % is systemd's own sign.
systemd_path() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/%/%%/g' -e 's/.*/"&"/'; }

# The unit sees the file system as read-only but for its own directories.
print_dropin() {
	printf '# The directory of the log file in %s.\n[Service]\n' "$config"
	printf 'ReadWritePaths='
	dirname "$log_file" | systemd_path
	case $log_file in
	/tmp/* | /var/tmp/*) printf 'PrivateTmp=no\n' ;;
	esac
}

# --- files ---

# put MODE SOURCE TARGET: nobody ever sees half of it, nor with a wider mode
put() {
	mkdir -p "$root$(dirname "$3")" || die "can't make '$root$(dirname "$3")'"
	if ! { cp "$2" "$root$3.new" && chmod "$1" "$root$3.new" && mv -f "$root$3.new" "$root$3"; }; then
		rm -f "$root$3.new"
		die "can't write '$root$3'"
	fi
}

make_directory() { # MODE DIRECTORY
	[ -d "$root$2" ] || (umask 022 && mkdir -p "$root$2" && chmod "$1" "$root$2") ||
		die "can't make '$root$2'"
}

put_files() {
	for directory in "$(dirname "$binary")" "$(dirname "$config")"; do
		make_directory 755 "$directory"
	done
	if [ -n "$bundle" ]; then
		rm -rf "$root$libraries.new" "$root$libraries.old"
		make_directory 755 "$libraries.new"
		if ! cp "$work"/lib/polytect/* "$root$libraries.new/" ||
			! chmod 644 "$root$libraries.new"/*; then
			die "can't write '$root$libraries'"
		fi
		[ ! -e "$root$libraries" ] || mv "$root$libraries" "$root$libraries.old"
		mv "$root$libraries.new" "$root$libraries"
		rm -rf "$root$libraries.old"
	fi
	put 755 "$work/bin/polytect" "$binary"
	if [ -n "$new_config" ]; then
		put_config
	else
		chmod 600 "$root$config" # other installers left it open to all
	fi
	if [ -n "$log_file" ]; then
		make_directory 750 "$(dirname "$log_file")"
	fi
}

put_config() {
	if [ -e "$root$config" ] && ! cmp -s "$root$config" "$new_config"; then
		put 600 "$root$config" "$config.old"
		say "the settings before are in $config.old"
	fi
	put 600 "$new_config" "$config"
}

systemd_install() {
	print_unit >"$work/unit"
	put 644 "$work/unit" "$unit"
	if [ -n "$new_config" ]; then
		rm -f "$root$unit.d/log-file.conf"
		if [ -n "$log_file" ]; then
			print_dropin >"$work/dropin"
			make_directory 755 "$unit.d"
			put 644 "$work/dropin" "$unit.d/log-file.conf"
		fi
	fi
	if ! { systemctl daemon-reload && systemctl enable polytect.service; } >"$work/said" 2>&1; then
		cat "$work/said" >&2
		die "systemd does not take the service"
	fi
	# waits until the program has said that it is ready
	if ! systemctl restart polytect.service || ! systemctl --quiet is-active polytect.service; then
		systemctl --no-pager --full --lines=20 status polytect.service >&2
		die "polytect is installed, but does not start; see above"
	fi
}

systemd_uninstall() {
	[ ! -e "$root$unit" ] || systemctl disable --now polytect.service >"$work/said" 2>&1 || {
		cat "$work/said" >&2
		die "systemd can't stop polytect; nothing was removed"
	}
	rm -rf "$root$unit" "$root$unit.d"
	systemctl daemon-reload
	systemctl reset-failed polytect.service >/dev/null 2>&1 || :
}

openrc_install() {
	print_openrc >"$work/openrc"
	make_directory 755 "$(dirname "$openrc")"
	put 755 "$work/openrc" "$openrc"
	rc-update -q add polytect default || die "OpenRC does not take the service"
	messages=$root$logs/messages.log
	before=$(awk 'END { print NR }' "$messages" 2>/dev/null)
	before=${before:-0}
	rc-service polytect restart || die "polytect is installed, but does not start; see above and $messages"
	# The supervisor says that it runs, and nothing of whether polytect does.
	sleep 3
	if ! rc-service -q polytect status >/dev/null; then
		die "polytect is installed, but ended again; see $messages"
	elif refusal=$(tail -n "+$((before + 1))" "$messages" 2>/dev/null |
		grep 'runs on this kernel already'); then
		die "polytect is installed, but does not start: $(printf '%s\n' "$refusal" | tail -n 1)"
	fi
}

openrc_uninstall() {
	if [ -e "$root$openrc" ]; then
		rc-service --ifstarted polytect stop || die "OpenRC can't stop polytect; nothing was removed"
		rc-update -q delete polytect default >/dev/null 2>&1 || :
	fi
	rm -f "$root$openrc"
}

# --- main ---

install() {
	find_release
	get_program
	make_config
	put_files
	"${manager}_install"
	say "$(cat "$work/version") runs; settings: $config"
}

uninstall() {
	"${manager}_uninstall"
	rm -f "$root$binary" "$root$config" "$root$config.old"
	rm -rf "$root$libraries"
	rmdir "$root$(dirname "$config")" 2>/dev/null || :
	for directory in $state $logs; do
		if [ -n "$purge" ]; then
			rm -rf "$root$directory"
		elif [ -z "$(find "$root$directory" -type f 2>/dev/null | head -n 1)" ]; then
			# only what is empty
			rm -rf "$root$directory"
		else
			say "$directory stays; --purge removes it, too"
		fi
	done
	say "polytect is removed"
}

# Not in /tmp: programs must run from there, which a hardened machine's /tmp does not permit.
make_work() {
	(umask 022 && mkdir -p "$root/usr/local") &&
		work=$(mktemp -d "$root/usr/local/.polytect-install.XXXXXX")
}

main() {
	place
	case ${1:-} in
	--print-unit) print_unit; exit ;;
	--print-openrc) print_openrc; exit ;;
	esac
	read_arguments "$@"
	check_machine
	find_manager
	make_work || die "can't make a temporary directory below '$root/usr/local'"
	trap 'rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	$action
}

# In parentheses: half of this line does nothing.
(main "$@")
