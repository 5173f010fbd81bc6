/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/view.h"

bool view_parse_limit(struct slice text, uint64_t *ret_value)
{
	text = slice_trim(text);
	if (slice_is(text, "max")) {
		*ret_value = VIEW_UNLIMITED;
		return true;
	}
	return slice_u64(text, ret_value);
}

struct memory_row {
	struct slice v2, v1; /* empty: it has none */
	size_t at;
};

#define AT(member) offsetof(struct view_memory, member)

/* clang-format off */
static const struct memory_row memory_rows[] = {
	{ SLICE("anon"), SLICE("total_rss"), AT(anon) },
	{ SLICE("file"), SLICE("total_cache"), AT(file) },
	{ SLICE("shmem"), SLICE("total_shmem"), AT(shmem) },
	{ SLICE("file_mapped"), SLICE("total_mapped_file"), AT(file_mapped) },
	{ SLICE("file_dirty"), SLICE("total_dirty"), AT(file_dirty) },
	{ SLICE("file_writeback"), SLICE("total_writeback"), AT(file_writeback) },
	{ SLICE("anon_thp"), SLICE("total_rss_huge"), AT(anon_thp) },
	{ SLICE("inactive_anon"), SLICE("total_inactive_anon"), AT(inactive_anon) },
	{ SLICE("active_anon"), SLICE("total_active_anon"), AT(active_anon) },
	{ SLICE("inactive_file"), SLICE("total_inactive_file"), AT(inactive_file) },
	{ SLICE("active_file"), SLICE("total_active_file"), AT(active_file) },
	{ SLICE("unevictable"), SLICE("total_unevictable"), AT(unevictable) },
	{ SLICE("slab_reclaimable"), { 0 }, AT(slab_reclaimable) },
	{ SLICE("slab_unreclaimable"), { 0 }, AT(slab_unreclaimable) },
	{ SLICE("kernel_stack"), { 0 }, AT(kernel_stack) },
	{ SLICE("pagetables"), { 0 }, AT(pagetables) },
	{ SLICE("swapcached"), SLICE("total_swapcached"), AT(swapcached) },
	{ { 0 }, SLICE("hierarchical_memory_limit"), AT(limit) },
	{ { 0 }, SLICE("hierarchical_memsw_limit"), AT(swap_limit) },
	{ { 0 }, SLICE("total_swap"), AT(swap_usage) },
};
/* clang-format on */

void view_parse_memory_stat(struct slice text, bool v1, struct view_memory *memory)
{
	struct slice line, key;
	size_t hint = 0;

	while (slice_next(&text, '\n', &line)) {
		uint64_t value;

		/* Half of v1's lines are of the group without those below it. */
		if (!slice_cut(&line, ' ', &key) || key.bytes == 0 ||
		    (v1 && key.at[0] != 't' && key.at[0] != 'h') || !slice_u64(line, &value))
			continue;
		/* Lines mostly come in the order of the rows. */
		for (size_t n = 0; n < array_count(memory_rows); n++) {
			size_t at = (hint + n) % array_count(memory_rows);

			if (slice_eq(key, v1 ? memory_rows[at].v1 : memory_rows[at].v2)) {
				memcpy((char *)memory + memory_rows[at].at, &value, sizeof(value));
				hint = at + 1;
				break;
			}
		}
	}
	/* v1 counts swap together with memory. */
	if (v1 && memory->swap_limit >= memory->limit)
		memory->swap_limit -= memory->limit;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What `free` and its kin compute with. */
struct memory_sums {
	uint64_t total, free, available, cached, swap_total, swap_free;
	uint64_t active, inactive, slab;
	uint64_t nothing;
};

static struct memory_sums memory_sum(const struct view_host *host, const struct view_memory *memory)
{
	struct memory_sums sums = { 0 };

	sums.total = least(memory->limit, host->total);
	sums.free = less(sums.total, memory->usage);
	sums.cached = memory->file;
	sums.available = least(least(sums.free + memory->active_file + memory->inactive_file +
					     memory->slab_reclaimable,
				     sums.total),
			       host->available);
	sums.swap_total = least(memory->swap_limit, host->swap_total);
	sums.swap_free = least(less(sums.swap_total, memory->swap_usage), host->swap_free);
	sums.active = memory->active_anon + memory->active_file;
	sums.inactive = memory->inactive_anon + memory->inactive_file;
	sums.slab = memory->slab_reclaimable + memory->slab_unreclaimable;
	return sums;
}

/* What a line of the host's becomes; one that isn't here stays as it is. */
struct meminfo_row {
	struct slice key;
	bool of_sums;
	size_t at;
};

#define SUM(member)  true, offsetof(struct memory_sums, member)
#define STAT(member) false, offsetof(struct view_memory, member)

/* clang-format off */
static const struct meminfo_row meminfo_rows[] = {
	{ SLICE("MemTotal"), SUM(total) },
	{ SLICE("MemFree"), SUM(free) },
	{ SLICE("MemAvailable"), SUM(available) },
	{ SLICE("Buffers"), SUM(nothing) },
	{ SLICE("Cached"), SUM(cached) },
	{ SLICE("SwapCached"), STAT(swapcached) },
	{ SLICE("Active"), SUM(active) },
	{ SLICE("Inactive"), SUM(inactive) },
	{ SLICE("Active(anon)"), STAT(active_anon) },
	{ SLICE("Inactive(anon)"), STAT(inactive_anon) },
	{ SLICE("Active(file)"), STAT(active_file) },
	{ SLICE("Inactive(file)"), STAT(inactive_file) },
	{ SLICE("Unevictable"), STAT(unevictable) },
	{ SLICE("Mlocked"), SUM(nothing) },
	{ SLICE("SwapTotal"), SUM(swap_total) },
	{ SLICE("SwapFree"), SUM(swap_free) },
	{ SLICE("Zswap"), SUM(nothing) },
	{ SLICE("Zswapped"), SUM(nothing) },
	{ SLICE("Dirty"), STAT(file_dirty) },
	{ SLICE("Writeback"), STAT(file_writeback) },
	{ SLICE("AnonPages"), STAT(anon) },
	{ SLICE("Mapped"), STAT(file_mapped) },
	{ SLICE("Shmem"), STAT(shmem) },
	{ SLICE("KReclaimable"), STAT(slab_reclaimable) },
	{ SLICE("Slab"), SUM(slab) },
	{ SLICE("SReclaimable"), STAT(slab_reclaimable) },
	{ SLICE("SUnreclaim"), STAT(slab_unreclaimable) },
	{ SLICE("KernelStack"), STAT(kernel_stack) },
	{ SLICE("PageTables"), STAT(pagetables) },
	{ SLICE("SecPageTables"), SUM(nothing) },
	{ SLICE("CommitLimit"), SUM(total) },
	{ SLICE("Committed_AS"), STAT(anon) },
	{ SLICE("VmallocUsed"), SUM(nothing) },
	{ SLICE("Percpu"), SUM(nothing) },
	{ SLICE("AnonHugePages"), STAT(anon_thp) },
	{ SLICE("ShmemHugePages"), SUM(nothing) },
	{ SLICE("ShmemPmdMapped"), SUM(nothing) },
	{ SLICE("FileHugePages"), SUM(nothing) },
	{ SLICE("FilePmdMapped"), SUM(nothing) },
};
/* clang-format on */

static void memory_put_line(struct slice key, uint64_t bytes, struct text *out)
{
	char number[NUMBER_ROOM];
	size_t digits = (size_t)(number_decimal(number, bytes / 1024) - number);
	size_t width = 24 - (key.bytes < 15 ? key.bytes + 1 : 16);
	size_t blanks = less(width, digits);
	char *at = text_reserve(out, key.bytes + 1 + blanks + digits + 4);

	if (!at)
		return;
	at = mempcpy(at, key.at, key.bytes);
	*at++ = ':';
	at = (char *)memset(at, ' ', blanks) + blanks;
	at = mempcpy(at, number, digits);
	at = mempcpy(at, " kB\n", 4);
	out->bytes = (size_t)(at - out->at);
}

static int memory_find_row(struct slice key, size_t hint)
{
	for (size_t n = 0; n < array_count(meminfo_rows); n++) {
		size_t at = (hint + n) % array_count(meminfo_rows);

		if (slice_eq(meminfo_rows[at].key, key))
			return (int)at;
	}
	return -1;
}

void view_read_host(struct view_host *host)
{
	const struct {
		struct slice key;
		uint64_t *at;
	} wanted[] = {
		{ SLICE("MemTotal"), &host->total }, { SLICE("MemAvailable"), &host->available },
						       { SLICE("SwapTotal"), &host->swap_total },
							 { SLICE("SwapFree"), &host->swap_free },
						       };
	struct slice rest = text_slice(&host->text), line;
	size_t hint = 0;

	host->line_count = 0;
	for (size_t n = 0; n < array_count(wanted); n++)
		*wanted[n].at = 0;
	while (host->line_count < VIEW_HOST_LINES && slice_next(&rest, '\n', &line)) {
		struct view_line *entry = &host->lines[host->line_count];
		struct slice value = line;
		uint64_t kib;

		entry->line = line;
		if (!slice_cut(&value, ':', &entry->key))
			continue;
		host->line_count++;
		value = slice_trim(value);
		for (size_t n = 0; n < array_count(wanted); n++)
			if (slice_eq(entry->key, wanted[n].key) && slice_eat_u64(&value, &kib))
				*wanted[n].at = kib * 1024;
		/* Lines mostly come in the order of the rows. */
		entry->row = memory_find_row(entry->key, hint);
		if (entry->row >= 0)
			hint = (size_t)entry->row + 1;
	}
}

void view_meminfo(const struct view_host *host, const struct view_memory *memory, struct text *out)
{
	struct memory_sums sums = memory_sum(host, memory);

	for (size_t n = 0; n < host->line_count; n++) {
		const struct view_line *line = &host->lines[n];
		const struct meminfo_row *row = &meminfo_rows[line->row < 0 ? 0 : line->row];
		uint64_t value;

		if (line->row < 0) {
			text_put(out, line->line);
			text_putc(out, '\n');
			continue;
		}
		memcpy(&value,
		       (row->of_sums ? (const char *)&sums : (const char *)memory) + row->at,
		       sizeof(value));
		memory_put_line(line->key, value, out);
	}
}

void view_swaps(const struct view_host *host, const struct view_memory *memory, struct text *out)
{
	struct memory_sums sums = memory_sum(host, memory);

	text_put(out, SLICE("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"));
	if (sums.swap_total)
		text_printf(out, "%-40svirtual\t\t%llu\t%s%llu\t%s-2\n", "none",
			    (unsigned long long)sums.swap_total / 1024,
			    sums.swap_total / 1024 < 10000000 ? "\t" : "",
			    (unsigned long long)less(sums.swap_total, sums.swap_free) / 1024,
			    less(sums.swap_total, sums.swap_free) / 1024 < 10000000 ? "\t" : "");
}
