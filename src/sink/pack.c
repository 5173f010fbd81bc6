/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/pack.h"

#include <zlib.h>
#include <zstd.h>

bool pack_gzip(struct slice body, struct text *packed)
{
	z_stream stream = { .next_in = (Bytef *)body.at, .avail_in = (uInt)body.bytes };
	uLong bound;
	char *at;
	int r;

	/* 15 bits of window; 16 more ask for gzip's head and end */
	if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	bound = deflateBound(&stream, (uLong)body.bytes);
	text_clear(packed);
	at = text_reserve(packed, bound);
	if (!at) {
		deflateEnd(&stream);
		return false;
	}
	stream.next_out = (Bytef *)at;
	stream.avail_out = (uInt)bound;
	r = deflate(&stream, Z_FINISH);
	packed->bytes = stream.total_out;
	deflateEnd(&stream);
	return r == Z_STREAM_END;
}

bool pack_zstd(struct slice body, struct text *packed)
{
	size_t bound = ZSTD_compressBound(body.bytes), bytes;
	char *at;

	text_clear(packed);
	at = text_reserve(packed, bound);
	if (!at)
		return false;
	bytes = ZSTD_compress(at, bound, body.at, body.bytes, ZSTD_CLEVEL_DEFAULT);
	if (ZSTD_isError(bytes))
		return false;
	packed->bytes = bytes;
	return true;
}
