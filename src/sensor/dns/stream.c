/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/dns/stream.h"

void dns_stream_done(struct dns_stream *stream)
{
	text_done(&stream->waiting);
}

/* Length of the message at the front, with its prefix; 0 when that isn't there yet. */
static size_t dns_stream_wants(const struct dns_stream *stream)
{
	const unsigned char *at = (const unsigned char *)stream->waiting.at;

	return stream->waiting.bytes < 2 ? 0 : 2 + ((size_t)at[0] << 8 | at[1]);
}

/* Lines the piece up with what came before: drops what was there already, notices what wasn't. */
static bool dns_stream_align(struct dns_stream *stream, uint32_t sequence, struct slice *data,
			     size_t *bytes)
{
	int32_t ahead = (int32_t)(sequence - stream->next);

	if (stream->begun && ahead < 0) {
		size_t again = (size_t) - (int64_t)ahead;

		if (again >= *bytes)
			return false;
		*data = slice_skip(*data, again);
		*bytes -= again;
		sequence += (uint32_t)again;
	}
	if (stream->begun && ahead > 0) {
		/* A message mostly begins with a piece. */
		stream->gaps++;
		stream->skip = 0;
		text_clear(&stream->waiting);
	}
	stream->begun = true;
	stream->next = sequence + (uint32_t)*bytes;
	return true;
}

static void dns_stream_step(struct dns_stream *stream, struct slice *data, size_t *bytes)
{
	size_t step = stream->skip < *bytes ? stream->skip : *bytes;

	stream->skip -= (uint32_t)step;
	*data = slice_skip(*data, step);
	*bytes -= step;
}

static void dns_stream_give(struct dns_stream *stream, size_t wants,
			    void (*message)(void *owner, struct slice message), void *owner)
{
	struct slice waiting = text_slice(&stream->waiting);
	size_t used = wants < waiting.bytes ? wants : waiting.bytes;

	if (used > 2)
		message(owner, slice_skip(slice_first(waiting, used), 2));
	memmove(stream->waiting.at, stream->waiting.at + used, waiting.bytes - used);
	stream->waiting.bytes -= used;
}

void dns_stream_take(struct dns_stream *stream, uint32_t sequence, struct slice data, size_t bytes,
		     void (*message)(void *owner, struct slice message), void *owner)
{
	size_t missing, wants;

	if (!dns_stream_align(stream, sequence, &data, &bytes))
		return;
	dns_stream_step(stream, &data, &bytes);
	missing = bytes - data.bytes;
	text_put(&stream->waiting, data);
	if (stream->waiting.failed) {
		text_clear(&stream->waiting);
		return;
	}
	while ((wants = dns_stream_wants(stream)) && stream->waiting.bytes >= wants)
		dns_stream_give(stream, wants, message, owner);
	if (missing == 0 && stream->waiting.bytes < DNS_STREAM_BYTES)
		return;
	/* What is missing, or too long to keep, belongs to the message at the front, or to ones
	 * that nobody has seen. */
	if (wants > stream->waiting.bytes + missing)
		stream->skip = (uint32_t)(wants - stream->waiting.bytes - missing);
	else if (missing)
		stream->gaps++;
	if (wants)
		dns_stream_give(stream, stream->waiting.bytes, message, owner);
	text_clear(&stream->waiting);
}
