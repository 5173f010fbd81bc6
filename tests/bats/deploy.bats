# What is deployed: units, manifests and the container's entry point are accepted by those who read them.

load setup

agents="bulwark ingraind polytect"

# manifest FILE EXPRESSION: Python, with `docs` by kind and `container`
manifest() {
	python3 - "$tree/deploy/kubernetes/$1.yaml" "$2" <<-'READ'
		import sys, yaml
		docs = {doc["kind"]: doc for doc in yaml.safe_load_all(open(sys.argv[1]))}
		pod = docs["DaemonSet"]["spec"]["template"]["spec"]
		[container] = pod["containers"]
		result = eval("(" + sys.argv[2] + ")")
		print("\n".join(result) if isinstance(result, list) else result)
	READ
}

holds() { [ "$(manifest "$1" "$2")" = True ]; }

@test "install.sh brings the service files that the package has" {
	"$tree/deploy/install.sh" --print-unit | diff - "$tree/deploy/systemd/polytect.service"
	"$tree/deploy/install.sh" --print-openrc | diff - "$tree/deploy/openrc/polytect"
}

@test "systemd understands every line of the units" {
	type systemd-analyze || skip "no systemd-analyze here"
	# at once: they name each other
	for unit in "$tree"/deploy/systemd/*.service; do
		sed 's|/usr/local/bin/[a-z-]*|/bin/true|' "$unit" >"$BATS_TEST_TMPDIR/${unit##*/}"
	done
	SYSTEMD_LOG_LEVEL=warning run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR"/*.service
	echo "$output"
	[ "$status" -eq 0 ]
	for unit in "$tree"/deploy/systemd/*.service; do
		[[ "$output" != *"${unit##*/}:"* ]]
	done
}

# What a unit may do, but for what is its own: polytect has no sensor of packets.
confinement() {
	sed -n '/^CapabilityBoundingSet=/,/^TasksMax=/p' "$tree/deploy/systemd/$1.service" |
		grep -Ev '^(#|MemoryMax=|ProtectKernelTunables=|SystemCallFilter=(fsopen|fanotify_init) )' |
		sed 's/ CAP_NET_ADMIN$//'
}

@test "agents are confined alike" {
	[ "$(confinement polytect | wc -l)" -ge 25 ]
	for program in bulwark ingraind; do
		diff <(confinement polytect) <(confinement $program)
	done
}

@test "Docker and containerd wait for system containers' services" {
	for unit in "$tree"/deploy/systemd/sysvisor*.service; do
		grep -qx 'Before=docker.service containerd.service' "$unit"
	done
}

@test "the settings of packages and manifests are right" {
	"$polytect" check "$tree/deploy/debian/polytect.toml"
	"$build/bin/ingraind" check "$tree/deploy/debian/ingraind.toml"
	manifest polytect 'docs["Secret"]["stringData"]["polytect.toml"]' >"$BATS_TEST_TMPDIR/p.toml"
	"$polytect" check "$BATS_TEST_TMPDIR/p.toml"
	manifest ingraind 'docs["ConfigMap"]["data"]["ingraind.toml"]' >"$BATS_TEST_TMPDIR/i.toml"
	"$build/bin/ingraind" check "$BATS_TEST_TMPDIR/i.toml"
	need_root
	manifest bulwark 'docs["Secret"]["stringData"]["bulwark.toml"]' |
		sed 's/listen = .*/listen = "off"/' >"$BATS_TEST_TMPDIR/b.toml"
	"$bulwark" up --under $$ --for 100ms --config "$BATS_TEST_TMPDIR/b.toml"
}

@test "manifests hang together" {
	for program in $agents; do
		holds $program 'docs["DaemonSet"]["spec"]["selector"]["matchLabels"].items()
			<= docs["DaemonSet"]["spec"]["template"]["metadata"]["labels"].items()'
		holds $program 'sorted(m["name"] for m in container["volumeMounts"])
			== sorted(v["name"] for v in pod["volumes"])'
		holds $program '{v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
			| {e["secretRef"]["name"] for e in container.get("envFrom", [])}
			== {docs["Secret"]["metadata"]["name"]}'
		holds $program '[v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v]
			== [d["metadata"]["name"] for k, d in docs.items() if k == "ConfigMap"]'
		holds $program 'len({d["metadata"].get("namespace", d["metadata"]["name"])
			for d in docs.values()}) == 1'
		# no "maxSurge: 0", which is the default: before Kubernetes 1.21 it isn't known
		holds $program 'docs["DaemonSet"]["spec"]["updateStrategy"]
			== {"rollingUpdate": {"maxUnavailable": 1}}'
		holds $program 'pod["hostPID"] and not pod["automountServiceAccountToken"]'
		holds $program 'container["securityContext"]["readOnlyRootFilesystem"]'
		holds $program '{container[p]["httpGet"]["port"] for p in ("livenessProbe", "readinessProbe")
			if p in container} <= {p["name"] for p in container.get("ports", [])}'
	done
	for program in bulwark ingraind; do
		holds $program 'container["securityContext"]["privileged"] is False
			and container["securityContext"]["capabilities"]["drop"] == ["ALL"]'
	done
}

# kubectl reads into its own types and writes what it knows: what it lost is misspelt.
@test "Kubernetes knows every field of the manifests" {
	type kubectl || skip "no kubectl here"
	for program in $agents; do
		manifest $program '__import__("json").dumps(docs["DaemonSet"])' >"$BATS_TEST_TMPDIR/in.json"
		kubectl set image --local -f "$BATS_TEST_TMPDIR/in.json" "$program=$program:0.1.0" -o json \
			>"$BATS_TEST_TMPDIR/out.json" || skip "kubectl can't do that here"
		jq -e --slurpfile in "$BATS_TEST_TMPDIR/in.json" '. as $out |
			[$in[0] | paths(scalars) as $p | select(($out | getpath($p)) == null) | $p] |
			if . == [] then true else error(tostring) end' "$BATS_TEST_TMPDIR/out.json"
	done
}

@test "programs accept the arguments of manifests and image, and the environment" {
	"$polytect" config >"$BATS_TEST_TMPDIR/c.toml"
	for program in $agents; do
		mapfile -t arguments < <(manifest $program 'container["args"]')
		mapfile -t variables < <(manifest $program '[e["name"] for e in container["env"]]')
		# they get as far as the file that is not there
		missing=$(printf '%s\n' "${arguments[@]}" | grep toml)
		[ ! -e "$missing" ] || skip "$program is installed here"
		run env "${variables[@]/%/=\/proc}" "$build/bin/$program" "${arguments[@]}"
		[ "$status" -eq 2 ]
		[[ "$output" == *"read '$missing': No such file or directory"* ]]
	done
	grep -q '^CMD \["--configfile", "/etc/polytect/polytect.toml"\]$' "$tree/deploy/Containerfile"
	need_root
	"$bulwark" up --output json --under $$ --listen off --for 100ms
}

@test "what docs/polytect.md has people type is understood" {
	options=$(grep -oE '(^|[` |])polytect( --[a-z][a-z-]*( [^-` ][^` ]*)?)+' "$tree/docs/polytect.md" |
		grep -oE -- '--[a-z-]+' | sort -u)
	[[ "$options" == *--configfile* && "$options" == *--source* ]]
	for option in $options; do
		"$polytect" --help | grep -qE "^  (-., )?$option( |\$)"
	done
	for option in --log-file --syslog --pagerduty --sha256 --purge; do
		grep -q -- "$option" "$tree/docs/polytect.md"
		"$tree/deploy/install.sh" --help | grep -q -- " $option"
	done
	# the name of every variable leads to a setting
	for variable in $(grep -ohE 'BULWARK_[A-Z_]+' "$tree/docs/polytect.md" "$tree"/deploy/kubernetes/*.yaml |
		grep -v '^BULWARK_RELEASE$' | sort -u); do
		key=${variable#BULWARK_}
		key=${key,,}
		"$polytect" config | awk -v key="$key" '
			/^\[/ { table = substr($0, 2, length($0) - 2) "_" }
			/^#[a-z_]+ = / { if (table substr($1, 2) == key) found = 1 }
			END { exit !found }'
	done
}
