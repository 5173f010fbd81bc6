/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-grpc - any bytes, in any pieces, as a stream of messages; and as a grpc-message. The first
 * byte says how large the pieces are. */
#include <assert.h>

#include "wire/grpc_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct grpc_reader reader = { .limit_bytes = 64 };
	struct slice rest = { (const char *)data, bytes };
	auto_text struct text words = { 0 };
	size_t step, taken = 0;
	int r = 0;

	if (bytes == 0)
		return 0;
	step = 1 + data[0];
	rest = slice_skip(rest, 1);
	grpc_decode_words(rest, &words);
	assert(words.bytes <= rest.bytes);
	while (rest.bytes && r >= 0) {
		struct slice piece = slice_first(rest, step);

		rest = slice_skip(rest, piece.bytes);
		while ((r = grpc_read(&reader, &piece)) == 1) {
			assert(reader.message.bytes <= reader.limit_bytes);
			taken += GRPC_HEAD_BYTES + reader.message.bytes;
		}
		assert(r < 0 || piece.bytes == 0);
	}
	assert(taken < bytes);
	text_done(&reader.message);
	return 0;
}
