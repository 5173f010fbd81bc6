/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/spool_record.h"

#include <zlib.h>

static const char spool_magic[4] = { '\xff', 'B', 'W', '\xfe' };

static uint32_t spool_record_crc(uint32_t bytes, const char *payload)
{
	uLong crc = crc32(0, (const Bytef *)&bytes, sizeof(bytes));

	return (uint32_t)crc32_z(crc, (const Bytef *)payload, bytes);
}

void spool_record_head(struct slice payload, char head[SPOOL_RECORD_HEAD])
{
	uint32_t bytes = (uint32_t)payload.bytes;
	uint32_t crc = spool_record_crc(bytes, payload.at);

	memcpy(head, spool_magic, 4);
	memcpy(head + 4, &bytes, 4);
	memcpy(head + 8, &crc, 4);
}

/* What stands at the very front. */
static enum spool_found spool_record_at(struct slice at, struct slice *payload)
{
	size_t magic_bytes = at.bytes < 4 ? at.bytes : 4;
	uint32_t bytes, crc;

	if (memcmp(at.at, spool_magic, magic_bytes) != 0)
		return SPOOL_FOUND_nothing;
	if (at.bytes < SPOOL_RECORD_HEAD)
		return SPOOL_FOUND_cut;
	memcpy(&bytes, at.at + 4, 4);
	memcpy(&crc, at.at + 8, 4);
	if (bytes > SPOOL_RECORD_BYTES)
		return SPOOL_FOUND_nothing;
	if (bytes > at.bytes - SPOOL_RECORD_HEAD)
		return SPOOL_FOUND_cut;
	if (crc != spool_record_crc(bytes, at.at + SPOOL_RECORD_HEAD))
		return SPOOL_FOUND_nothing;
	*payload = (struct slice){ at.at + SPOOL_RECORD_HEAD, bytes };
	return SPOOL_FOUND_record;
}

enum spool_found spool_record_next(struct slice *rest, bool whole, struct slice *payload,
				   bool *damaged)
{
	struct slice at = *rest;

	while (at.bytes) {
		enum spool_found found = spool_record_at(at, payload);
		const char *next;

		if (found == SPOOL_FOUND_cut && !whole)
			return SPOOL_FOUND_cut;
		if (found == SPOOL_FOUND_record) {
			*damaged = at.at != rest->at;
			*rest = slice_skip(at, SPOOL_RECORD_HEAD + payload->bytes);
			return SPOOL_FOUND_record;
		}
		next = memchr(at.at + 1, spool_magic[0], at.bytes - 1);
		at = slice_skip(at, next ? (size_t)(next - at.at) : at.bytes);
	}
	return SPOOL_FOUND_nothing;
}
