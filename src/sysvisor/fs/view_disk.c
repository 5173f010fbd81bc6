/* SPDX-License-Identifier: Apache-2.0 */
#include "sysvisor/fs/view.h"

#define DISK_SECTOR_BYTES 512

struct disk_usage {
	uint64_t read_bytes, write_bytes, discard_bytes;
	uint64_t reads, writes, discards;
};

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void disk_parse_v2(struct slice line, struct disk_usage *usage)
{
	const struct {
		struct slice key;
		uint64_t *value;
	} fields[] = {
		{ SLICE("rbytes="), &usage->read_bytes },
		  { SLICE("wbytes="), &usage->write_bytes },
		    { SLICE("rios="), &usage->reads },
		      { SLICE("wios="), &usage->writes },
			{ SLICE("dbytes="), &usage->discard_bytes },
			  { SLICE("dios="), &usage->discards },
			};
	struct slice word;

	while (slice_next(&line, ' ', &word)) {
		for (size_t n = 0; n < array_count(fields); n++) {
			uint64_t value;

			if (slice_eat(&word, fields[n].key) && slice_u64(word, &value))
				*fields[n].value = value;
		}
	}
}

/* "8:0 Read 4096", "8:0 Write 4096", "8:0 Discard 0"; others are sums of these. */
static void disk_parse_v1(struct slice line, uint64_t *read, uint64_t *write, uint64_t *discard)
{
	struct slice word;
	uint64_t value;

	if (!slice_cut(&line, ' ', &word) || !slice_u64(slice_trim(line), &value))
		return;
	if (slice_is(word, "Read"))
		*read = value;
	else if (slice_is(word, "Write"))
		*write = value;
	else if (slice_is(word, "Discard"))
		*discard = value;
}

static struct disk_usage disk_find(struct slice io, struct slice operations, struct slice device)
{
	struct disk_usage usage = { 0 };
	struct slice line, name;
	bool v1 = operations.bytes != 0;

	while (slice_next(&io, '\n', &line)) {
		if (!slice_cut(&line, ' ', &name) || !slice_eq(name, device))
			continue;
		if (v1)
			disk_parse_v1(line, &usage.read_bytes, &usage.write_bytes,
				      &usage.discard_bytes);
		else
			disk_parse_v2(line, &usage);
	}
	while (slice_next(&operations, '\n', &line))
		if (slice_cut(&line, ' ', &name) && slice_eq(name, device))
			disk_parse_v1(line, &usage.reads, &usage.writes, &usage.discards);
	return usage;
}

static bool disk_eat_word(struct slice *line, struct slice *word)
{
	while (slice_eat(line, SLICE(" ")))
		;
	return slice_next(line, ' ', word);
}

void view_diskstats(struct slice host, struct slice io, struct slice operations, struct text *out)
{
	struct slice line, major, minor, name;

	while (slice_next(&host, '\n', &line)) {
		struct disk_usage usage;
		char device[48];

		if (!disk_eat_word(&line, &major) || !disk_eat_word(&line, &minor) ||
		    !disk_eat_word(&line, &name))
			continue;
		snprintf(device, sizeof(device), "%.*s:%.*s", SLICE_ARG(slice_first(major, 20)),
			 SLICE_ARG(slice_first(minor, 20)));
		usage = disk_find(io, operations, slice_of(device));
		text_printf(
			out,
			"%4.*s %7.*s %.*s %llu 0 %llu 0 %llu 0 %llu 0 0 0 0 %llu 0 %llu 0 0 0\n",
			SLICE_ARG(major), SLICE_ARG(minor), SLICE_ARG(name),
			(unsigned long long)usage.reads,
			(unsigned long long)usage.read_bytes / DISK_SECTOR_BYTES,
			(unsigned long long)usage.writes,
			(unsigned long long)usage.write_bytes / DISK_SECTOR_BYTES,
			(unsigned long long)usage.discards,
			(unsigned long long)usage.discard_bytes / DISK_SECTOR_BYTES);
	}
}
