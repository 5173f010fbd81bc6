/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-dns - any bytes as a DNS message, and as pieces of a stream of them. */
#include <assert.h>

#include "sensor/dns/message.h"
#include "sensor/dns/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void take_message(void *owner, struct slice whole)
{
	auto_text struct text out = { 0 };
	struct dns_message message;

	*(size_t *)owner += 1;
	if (!dns_parse(whole, &message))
		return;
	assert(message.question.bytes <= DNS_NAME_ROOM);
	dns_put_answers(&message, 32, &out);
	assert(slice_starts(text_slice(&out), SLICE("[")) &&
			    slice_ends(text_slice(&out), SLICE("]")));
}

/* The first byte of each piece says how it comes. */
static void take_stream(struct slice input)
{
	struct dns_stream stream = { 0 };
	uint32_t sequence = 0;
	size_t count = 0;

	while (input.bytes > 2) {
		size_t piece = (unsigned char)input.at[0], how = (unsigned char)input.at[1];
		struct slice data = slice_first(slice_skip(input, 2), piece);
		size_t missing = how & 1 ? how : 0;

		if (how & 2)
			sequence -= (uint32_t)how;
		if (how & 4)
			sequence += (uint32_t)how;
		dns_stream_take(&stream, sequence, data, data.bytes + missing, take_message,
				&count);
		assert(stream.waiting.bytes <= DNS_STREAM_BYTES);
		sequence += (uint32_t)(data.bytes + missing);
		input = slice_skip(input, 2 + piece);
	}
	dns_stream_done(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct slice input = { (const char *)data, bytes };
	size_t count = 0;

	take_message(&count, input);
	take_stream(input);
	return 0;
}
