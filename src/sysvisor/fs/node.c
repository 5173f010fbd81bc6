/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/node.h"

#include <errno.h>
#include <limits.h>

#include "sysvisor/fs/show.h"

#define VIEW	     .kind = NODE_view, .mode = 0444
#define STORE	     .kind = NODE_store, .mode = 0644
#define NUMBER(a, b) .check = CHECK_number, .min = a, .max = b
#define FLAG	     .size_bytes = 2, NUMBER(0, 1)
#define KIB	     .size_bytes = 1024
#define ANY_INT	     NUMBER(INT_MIN, INT_MAX)
#define COUNT	     NUMBER(0, INT_MAX)
#define BIND	     .bind = true
#define PARTIAL	     .partial = true
#define INSIDE	     .inside_first = true
#define PUSH	     .push = true

/* clang-format off */
const struct node_row node_rows[] = {
	/* --- what programs ask the machine about itself --- */
	{ "proc/cpuinfo", VIEW, BIND, .show = show_cpuinfo },
	{ "proc/diskstats", VIEW, BIND, .show = show_diskstats },
	{ "proc/loadavg", VIEW, BIND, .show = show_loadavg },
	{ "proc/meminfo", VIEW, BIND, .show = show_meminfo },
	{ "proc/stat", VIEW, BIND, .show = show_stat },
	{ "proc/swaps", VIEW, BIND, .show = show_swaps },
	{ "proc/uptime", VIEW, BIND, .show = show_uptime },
	{ "proc/pressure/cpu", VIEW, BIND, PARTIAL, .show = show_pressure_cpu },
	{ "proc/pressure/io", VIEW, BIND, PARTIAL, .show = show_pressure_io },
	{ "proc/pressure/irq", VIEW, BIND, PARTIAL, .show = show_pressure_irq },
	{ "proc/pressure/memory", VIEW, BIND, PARTIAL, .show = show_pressure_memory },
	{ "sys/devices/system/cpu", .kind = NODE_tree, .mode = 0555, BIND },
	{ "sys/devices/system/cpu/online", VIEW, .size_bytes = 4096, .show = show_cpus },
	{ "sys/devices/system/cpu/present", VIEW, .size_bytes = 4096, .show = show_cpus },
	{ "sys/devices/system/cpu/possible", VIEW, .size_bytes = 4096, .show = show_cpus },

	/* --- /proc/sys --- */
	{ "proc/sys/fs/file-max", STORE, KIB, NUMBER(0, INT64_MAX), PUSH },
	{ "proc/sys/fs/nr_open", STORE, KIB, NUMBER(1, INT_MAX), PUSH },
	{ "proc/sys/fs/protected_hardlinks", .kind = NODE_store, .mode = 0600, KIB, NUMBER(0, 1) },
	{ "proc/sys/fs/protected_symlinks", .kind = NODE_store, .mode = 0600, KIB, NUMBER(0, 1) },
	{ "proc/sys/kernel/cap_last_cap", .kind = NODE_host, .mode = 0444, KIB },
	{ "proc/sys/kernel/dmesg_restrict", STORE, FLAG },
	{ "proc/sys/kernel/domainname", .kind = NODE_name, .mode = 0644, .size_bytes = 4096 },
	{ "proc/sys/kernel/hostname", .kind = NODE_name, .mode = 0644, .size_bytes = 4096 },
	{ "proc/sys/kernel/kptr_restrict", STORE, .size_bytes = 2, NUMBER(0, 2) },
	{ "proc/sys/kernel/ngroups_max", .kind = NODE_host, .mode = 0444, KIB },
	{ "proc/sys/kernel/panic", STORE, .size_bytes = 4096, ANY_INT },
	{ "proc/sys/kernel/panic_on_oops", STORE, FLAG },
	{ "proc/sys/kernel/pid_max", STORE, KIB, NUMBER(1, 4194304) },
	{ "proc/sys/kernel/printk", STORE, KIB, .check = CHECK_numbers, .min = 0, .max = 4 },
	{ "proc/sys/kernel/random/uuid", .kind = NODE_host, .mode = 0444, KIB },
	{ "proc/sys/kernel/sysrq", STORE, KIB, NUMBER(0, 511) },
	{ "proc/sys/kernel/yama/ptrace_scope", STORE, .size_bytes = 2, NUMBER(0, 3) },
	{ "proc/sys/net/core/default_qdisc", STORE, KIB, .check = CHECK_word,
	  .words = "fq fq_codel sfq pfifo_fast", INSIDE },
	{ "proc/sys/net/core/somaxconn", STORE, KIB, COUNT, INSIDE, PUSH },
	{ "proc/sys/net/ipv4/neigh/default/gc_thresh1", STORE, KIB, COUNT, INSIDE },
	{ "proc/sys/net/ipv4/neigh/default/gc_thresh2", STORE, KIB, COUNT, INSIDE },
	{ "proc/sys/net/ipv4/neigh/default/gc_thresh3", STORE, KIB, COUNT, INSIDE },
	{ "proc/sys/net/ipv4/ping_group_range", .kind = NODE_groups, .mode = 0644, KIB },
	{ "proc/sys/net/ipv4/vs/conn_reuse_mode", STORE, FLAG, INSIDE },
	{ "proc/sys/net/ipv4/vs/conntrack", STORE, FLAG, INSIDE },
	{ "proc/sys/net/ipv4/vs/expire_nodest_conn", STORE, FLAG, INSIDE },
	{ "proc/sys/net/ipv4/vs/expire_quiescent_template", STORE, FLAG, INSIDE },
	{ "proc/sys/net/netfilter/nf_conntrack_generic_timeout", STORE, KIB, COUNT, INSIDE, PUSH },
	{ "proc/sys/net/netfilter/nf_conntrack_max", STORE, KIB, COUNT, PUSH },
	{ "proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal", STORE, FLAG, INSIDE, PUSH },
	{ "proc/sys/net/netfilter/nf_conntrack_tcp_timeout_close_wait", STORE, KIB, COUNT, INSIDE,
	  PUSH },
	{ "proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established", STORE, KIB, COUNT, INSIDE,
	  PUSH },
	{ "proc/sys/net/unix/max_dgram_qlen", STORE, KIB, COUNT, INSIDE, PUSH },
	{ "proc/sys/vm/mmap_min_addr", STORE, KIB, NUMBER(0, INT64_MAX) },
	{ "proc/sys/vm/overcommit_memory", STORE, .size_bytes = 2, NUMBER(0, 2) },

	/* --- /sys --- */
	{ "sys/devices/virtual/dmi/id/product_uuid", .kind = NODE_view, .mode = 0400,
	  .size_bytes = 4096, BIND, .show = show_product_uuid },
	{ "sys/kernel/config", .kind = NODE_empty, .mode = 0755, BIND },
	{ "sys/kernel/debug", .kind = NODE_empty, .mode = 0700, BIND },
	{ "sys/kernel/security", .kind = NODE_empty, .mode = 0755, BIND },
	{ "sys/kernel/tracing", .kind = NODE_empty, .mode = 0700, BIND },
	{ "sys/module/nf_conntrack/parameters/hashsize", .kind = NODE_store, .mode = 0600,
	  .size_bytes = 4096, COUNT, BIND },
};
/* clang-format on */

const size_t node_count = array_count(node_rows);

const struct node_row *node_find(struct slice path)
{
	for (size_t n = 0; n < node_count; n++)
		if (slice_is(path, node_rows[n].path))
			return &node_rows[n];
	return NULL;
}

/* What stands behind "PATH/" in a row's path; empty when it is elsewhere. */
static struct slice node_below(const struct node_row *row, struct slice path)
{
	struct slice rest = slice_of(row->path);

	if (path.bytes && (!slice_eat(&rest, path) || !slice_eat(&rest, SLICE("/"))))
		return (struct slice){ "", 0 };
	return rest;
}

bool node_is_directory(struct slice path)
{
	for (size_t n = 0; n < node_count; n++)
		if (node_below(&node_rows[n], path).bytes)
			return true;
	return false;
}

static struct slice node_name_below(const struct node_row *row, struct slice path)
{
	struct slice rest = node_below(row, path), name = rest;

	slice_cut(&rest, '/', &name);
	return name;
}

void node_each_below(struct slice path, void (*found)(struct slice name, void *owner), void *owner)
{
	for (size_t n = 0; n < node_count; n++) {
		struct slice name = node_name_below(&node_rows[n], path);
		bool seen = name.bytes == 0;

		for (size_t before = 0; before < n && !seen; before++)
			seen = slice_eq(node_name_below(&node_rows[before], path), name);
		if (!seen)
			found(name, owner);
	}
}

/* --- what may be written --- */

static bool node_eat_number(struct slice *text, int64_t *ret_value)
{
	bool negative = slice_eat(text, SLICE("-"));
	uint64_t value;

	if (!slice_eat_u64(text, &value) || value > INT64_MAX)
		return false;
	*ret_value = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool node_is_number(struct slice value, int64_t min, int64_t max)
{
	int64_t number;

	return node_eat_number(&value, &number) && value.bytes == 0 && number >= min &&
	       number <= max;
}

static bool node_is_numbers(struct slice value, int64_t max)
{
	int64_t count = 0, number;

	while (value.bytes) {
		if (!node_eat_number(&value, &number) || ++count > max)
			return false;
		if (value.bytes && value.at[0] != ' ' && value.at[0] != '\t')
			return false;
		value = slice_trim(value);
	}
	return count > 0;
}

static bool node_is_word(struct slice value, const char *words)
{
	struct slice rest = slice_of(words), word;

	while (slice_next(&rest, ' ', &word))
		if (slice_eq(word, value))
			return true;
	return false;
}

int node_check_value(const struct node_row *row, struct slice written, struct slice *ret_value)
{
	struct slice value = slice_trim(written);
	bool right = false;

	/* The kernel's own keys take a NUL at the end, too. */
	while (value.bytes && value.at[value.bytes - 1] == '\0')
		value.bytes--;
	value = slice_trim(value);
	if (slice_find(value, SLICE("\n")) >= 0)
		return -EINVAL;
	switch (row->check) {
	case CHECK_number:
		right = node_is_number(value, row->min, row->max);
		break;
	case CHECK_numbers:
		right = node_is_numbers(value, row->max);
		break;
	case CHECK_word:
		right = node_is_word(value, row->words);
		break;
	case CHECK_none:
		break;
	}
	if (!right)
		return -EINVAL;
	*ret_value = value;
	return 0;
}
