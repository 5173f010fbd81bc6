/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/scope.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "base/auto.h"
#include "kernel/bpf.h"
#include "kernel/cgroup.h"

/* --- entries --- */

static int scope_take_range(struct scope_range *ranges, __u32 *count, struct slice word,
			    uint64_t most, uint32_t verdict, struct error *err)
{
	struct slice from = word, rest = word;
	uint64_t low, high;

	if (*count == SCOPE_RANGES)
		return error_say(err, E2BIG, "more than %d entries", SCOPE_RANGES);
	if (slice_cut(&rest, '-', &from)) {
		if (!slice_u64(from, &low) || !slice_u64(rest, &high))
			low = high = UINT64_MAX;
	} else if (slice_u64(word, &low)) {
		high = low;
	} else {
		low = high = UINT64_MAX;
	}
	if (low > high || high > most)
		return error_say(err, EINVAL,
				 "'%.*s' is neither a number from 0 to %llu nor a range of them",
				 (int)word.bytes, word.at, (unsigned long long)most);
	ranges[(*count)++] = (struct scope_range){ (__u32)low, (__u32)high, verdict };
	return 0;
}

static int scope_take_uid(struct scope *scope, struct slice word, uint32_t verdict,
			  struct error *err)
{
	return scope_take_range(scope->config.uids, &scope->config.uid_count, word, UINT32_MAX,
				verdict, err);
}

static int scope_take_port(struct scope *scope, struct slice word, uint32_t verdict,
			   struct error *err)
{
	return scope_take_range(scope->config.ports, &scope->config.port_count, word, UINT16_MAX,
				verdict, err);
}

static int scope_take_comm(struct scope *scope, struct slice word, uint32_t verdict,
			   struct error *err)
{
	if (scope->comm_count == SCOPE_COMMS)
		return error_say(err, E2BIG, "more than %d entries", SCOPE_COMMS);
	if (word.bytes >= sizeof(scope->comms[0].name))
		return error_say(err, EINVAL, "'%.*s' is too long: the kernel keeps 15 bytes",
				 (int)word.bytes, word.at);
	memcpy(scope->comms[scope->comm_count].name, word.at, word.bytes);
	scope->comms[scope->comm_count++].verdict = verdict;
	return 0;
}

static int scope_take_cgroup(struct scope *scope, struct slice word, uint32_t verdict,
			     struct error *err)
{
	if (scope->cgroup_count == SCOPE_CGROUPS)
		return error_say(err, E2BIG, "more than %d entries", SCOPE_CGROUPS);
	if (!slice_starts(word, SLICE("/")))
		return error_say(err, EINVAL, "'%.*s' does not begin with '/'", (int)word.bytes,
				 word.at);
	scope->cgroups[scope->cgroup_count].path = word;
	scope->cgroups[scope->cgroup_count++].verdict = verdict;
	return 0;
}

/* An address of either family, IPv4 as ::ffff:a.b.c.d; *ret_bits: of its family before that. */
static bool scope_read_address(struct slice word, __u8 *address, __u32 *ret_bits)
{
	char text[INET6_ADDRSTRLEN];

	if (word.bytes >= sizeof(text))
		return false;
	slice_copy(word, text, sizeof(text));
	*ret_bits = 0;
	if (inet_pton(AF_INET6, text, address) == 1)
		return true;
	memset(address, 0, 10);
	memset(address + 10, 0xff, 2);
	*ret_bits = 96;
	return inet_pton(AF_INET, text, address + 12) == 1;
}

static int scope_take_network(struct scope *scope, struct slice word, uint32_t verdict,
			      struct error *err)
{
	struct slice address = word, rest = word;
	uint64_t bits = UINT64_MAX;
	struct scope_network key;
	__u32 before;

	if (scope->network_count == SCOPE_NETWORKS)
		return error_say(err, E2BIG, "more than %d entries", SCOPE_NETWORKS);
	if (slice_cut(&rest, '/', &address) && !slice_u64(rest, &bits))
		address.bytes = 0;
	if (!scope_read_address(address, key.address, &before) ||
	    (bits != UINT64_MAX && bits > 128 - before))
		return error_say(err, EINVAL,
				 "'%.*s' is no network, such as 10.0.0.0/8 or 2001:db8::/32",
				 (int)word.bytes, word.at);
	key.bits = bits == UINT64_MAX ? 128 : (__u32)bits + before;
	scope->networks[scope->network_count].key = key;
	scope->networks[scope->network_count++].verdict = verdict;
	return 0;
}

/* --- lists --- */

static const struct {
	const char *key;
	enum scope_list list;
	size_t at;
	int (*take)(struct scope *scope, struct slice word, uint32_t verdict, struct error *err);
} scope_rows[] = {
	{ "watch.uids", SCOPE_uids, offsetof(struct scope_settings, uids), scope_take_uid },
	{ "watch.comms", SCOPE_comms, offsetof(struct scope_settings, comms), scope_take_comm },
	{ "watch.cgroups", SCOPE_cgroups, offsetof(struct scope_settings, cgroups),
	  scope_take_cgroup },
	{ "watch.ports", SCOPE_ports, offsetof(struct scope_settings, ports), scope_take_port },
	{ "watch.networks", SCOPE_networks, offsetof(struct scope_settings, networks),
	  scope_take_network },
};

static int scope_parse_list(struct scope *scope, size_t n, struct slice text, struct error *err)
{
	struct slice word;

	while (slice_next(&text, ',', &word)) {
		uint32_t verdict = SCOPE_keep;
		int r;

		word = slice_trim(word);
		if (slice_eat(&word, SLICE("!")))
			verdict = SCOPE_drop;
		if (word.bytes == 0)
			return error_say(err, EINVAL, "an entry is empty");
		r = scope_rows[n].take(scope, word, verdict, err);
		if (r < 0)
			return r;
		scope->config.lists |= scope_rows[n].list;
		if (verdict == SCOPE_keep)
			scope->config.only |= scope_rows[n].list;
	}
	return 0;
}

int scope_parse(struct scope *scope, const struct scope_settings *settings, const char **ret_key,
		struct error *err)
{
	memset(scope, 0, sizeof(*scope));
	for (size_t n = 0; n < array_count(scope_rows); n++) {
		const char *text = *(char *const *)((const char *)settings + scope_rows[n].at);
		int r = text ? scope_parse_list(scope, n, slice_of(text), err) : 0;

		if (r < 0) {
			*ret_key = scope_rows[n].key;
			return error_wrap(err, r, "%s", scope_rows[n].key);
		}
	}
	return 0;
}

int scope_find_cgroups(struct scope *scope, enum ring_hierarchy hierarchy, struct error *err)
{
	for (size_t n = 0; n < scope->cgroup_count; n++) {
		struct slice path = scope->cgroups[n].path;

		scope->cgroups[n].id = cgroup_id(path, hierarchy);
		if (scope->cgroups[n].id == 0)
			return error_say(
				err, ENOENT,
				"watch.cgroups: there is no control group '%.*s'; give its "
				"path as /proc/PID/cgroup has it",
				(int)path.bytes, path.at);
	}
	return 0;
}

/* --- the kernel side's tables --- */

static int scope_put(int fd, const void *key, const uint32_t *verdict)
{
	return bpf_map_update_elem(fd, key, verdict, BPF_ANY) < 0 ? -errno : 0;
}

static int scope_fill_comms(const struct scope *scope, int fd)
{
	int r = 0;

	for (size_t n = 0; n < scope->comm_count && r == 0; n++)
		r = scope_put(fd, scope->comms[n].name, &scope->comms[n].verdict);
	return r;
}

static int scope_fill_cgroups(const struct scope *scope, int fd)
{
	int r = 0;

	for (size_t n = 0; n < scope->cgroup_count && r == 0; n++)
		r = scope_put(fd, &scope->cgroups[n].id, &scope->cgroups[n].verdict);
	return r;
}

static int scope_fill_networks(const struct scope *scope, int fd)
{
	int r = 0;

	for (size_t n = 0; n < scope->network_count && r == 0; n++)
		r = scope_put(fd, &scope->networks[n].key, &scope->networks[n].verdict);
	return r;
}

int scope_fill(const struct scope *scope, const struct bpf_object *object, struct error *err)
{
	static const struct {
		const char *map;
		int (*fill)(const struct scope *scope, int fd);
	} rows[] = {
		{ "scope_comms", scope_fill_comms },
		{ "scope_cgroups", scope_fill_cgroups },
		{ "scope_networks", scope_fill_networks },
	};

	for (size_t n = 0; n < array_count(rows); n++) {
		int fd = bpf_object__find_map_fd_by_name(object, rows[n].map);
		int r = fd < 0 ? 0 : rows[n].fill(scope, fd);

		if (r < 0)
			return bpf_error(err, -r, "set a scope");
	}
	return 0;
}
