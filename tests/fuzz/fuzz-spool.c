/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-spool - any bytes as a file of a spool. */
#include <assert.h>
#include <stdlib.h>

#include "sink/spool_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_record(struct slice before, struct slice rest, struct slice payload, bool damaged)
{
	const char *end = payload.at + payload.bytes;
	char head[SPOOL_RECORD_HEAD];

	assert(payload.at >= before.at + SPOOL_RECORD_HEAD && end == rest.at);
	assert(rest.at + rest.bytes == before.at + before.bytes);
	assert(damaged == (payload.at != before.at + SPOOL_RECORD_HEAD));
	spool_record_head(payload, head);
	assert(memcmp(head, payload.at - SPOOL_RECORD_HEAD, SPOOL_RECORD_HEAD) == 0);
}

/* Reads on as long as there are records, and returns how many. */
static size_t read_all(struct slice rest, bool whole, enum spool_found *end)
{
	size_t count = 0;

	for (;; count++) {
		struct slice before = rest, payload;
		bool damaged;

		*end = spool_record_next(&rest, whole, &payload, &damaged);
		if (*end != SPOOL_FOUND_record)
			break;
		check_record(before, rest, payload, damaged);
	}
	return count;
}

/* A record behind any damage is found again, unless the damage swallows it by a valid CRC. */
static void check_found_behind(const uint8_t *data, size_t bytes, size_t count)
{
	static const struct slice event = { "{\"event\":1}", 11 };
	char *longer = malloc(bytes + SPOOL_RECORD_HEAD + event.bytes);
	enum spool_found end;

	assert(longer);
	if (bytes)
		memcpy(longer, data, bytes);
	spool_record_head(event, longer + bytes);
	memcpy(longer + bytes + SPOOL_RECORD_HEAD, event.at, event.bytes);
	assert(read_all((struct slice){ longer, bytes + SPOOL_RECORD_HEAD + event.bytes }, true,
			&end) >= count);
	free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice all = { (const char *)data, bytes };
	enum spool_found end;
	size_t whole = read_all(all, true, &end);

	assert(end == SPOOL_FOUND_nothing);
	assert(read_all(all, false, &end) <= whole);
	check_found_behind(data, bytes, whole);
	return 0;
}
