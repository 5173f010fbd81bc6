/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/grpc_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <nghttp2/nghttp2.h>

static const char *const grpc_status_names[] = {
#define X(name) #name,
	GRPC_STATUSES(X)
#undef X
};

const char *grpc_status_name(enum grpc_status status)
{
	return status < GRPC_STATUS_COUNT ? grpc_status_names[status] : "unknown";
}

struct grpc_status_row {
	uint32_t code;
	enum grpc_status status;
};

static enum grpc_status grpc_status_in(const struct grpc_status_row *rows, size_t count,
				       uint32_t code, enum grpc_status otherwise)
{
	for (size_t n = 0; n < count; n++)
		if (rows[n].code == code)
			return rows[n].status;
	return otherwise;
}

/* grpc/doc/http-grpc-status-mapping.md */
enum grpc_status grpc_status_of_http(unsigned int http_status)
{
	static const struct grpc_status_row rows[] = {
		{ 400, GRPC_internal },		 { 401, GRPC_unauthenticated },
		{ 403, GRPC_permission_denied }, { 404, GRPC_unimplemented },
		{ 429, GRPC_unavailable },	 { 502, GRPC_unavailable },
		{ 503, GRPC_unavailable },	 { 504, GRPC_unavailable },
	};

	return grpc_status_in(rows, array_count(rows), http_status, GRPC_unknown);
}

/* grpc/doc/PROTOCOL-HTTP2.md, "Errors" */
enum grpc_status grpc_status_of_reset(uint32_t http2_code)
{
	static const struct grpc_status_row rows[] = {
		{ NGHTTP2_REFUSED_STREAM, GRPC_unavailable },
		{ NGHTTP2_CANCEL, GRPC_cancelled },
		{ NGHTTP2_ENHANCE_YOUR_CALM, GRPC_resource_exhausted },
		{ NGHTTP2_INADEQUATE_SECURITY, GRPC_permission_denied },
	};

	return grpc_status_in(rows, array_count(rows), http2_code, GRPC_internal);
}

static size_t grpc_message_bytes(const struct grpc_reader *reader)
{
	uint32_t bytes;

	memcpy(&bytes, reader->head + 1, sizeof(bytes));
	return ntohl(bytes);
}

int grpc_read(struct grpc_reader *reader, struct slice *bytes)
{
	struct slice piece;

	if (reader->head_bytes == GRPC_HEAD_BYTES &&
	    reader->message.bytes == grpc_message_bytes(reader)) {
		text_clear(&reader->message);
		reader->head_bytes = 0;
	}
	piece = slice_first(*bytes, GRPC_HEAD_BYTES - reader->head_bytes);
	if (piece.bytes)
		memcpy(reader->head + reader->head_bytes, piece.at, piece.bytes);
	reader->head_bytes += piece.bytes;
	*bytes = slice_skip(*bytes, piece.bytes);
	if (reader->head_bytes < GRPC_HEAD_BYTES)
		return 0;
	if (reader->head[0] != 0)
		return -EPROTO;
	if (grpc_message_bytes(reader) > reader->limit_bytes)
		return -EMSGSIZE;
	piece = slice_first(*bytes, grpc_message_bytes(reader) - reader->message.bytes);
	text_put(&reader->message, piece);
	if (reader->message.failed)
		return -ENOMEM;
	*bytes = slice_skip(*bytes, piece.bytes);
	return reader->message.bytes == grpc_message_bytes(reader);
}

bool grpc_read_ended(const struct grpc_reader *reader)
{
	return reader->head_bytes == 0 || (reader->head_bytes == GRPC_HEAD_BYTES &&
					   reader->message.bytes == grpc_message_bytes(reader));
}

/* grpc/doc/PROTOCOL-HTTP2.md, "Timeout": at most eight digits and a unit. */
uint64_t grpc_timeout_ms(struct slice value)
{
	static const struct {
		char unit;
		uint64_t times, part; /* to milliseconds */
	} units[] = {
		{ 'H', 3600000, 1 }, { 'M', 60000, 1 }, { 'S', 1000, 1 },
		{ 'm', 1, 1 },	     { 'u', 1, 1000 },	{ 'n', 1, 1000000 },
	};
	uint64_t number;

	if (value.bytes > 9 || !slice_eat_u64(&value, &number) || value.bytes != 1)
		return 0;
	for (size_t n = 0; n < array_count(units); n++)
		if (units[n].unit == value.at[0])
			return number ? (number * units[n].times + units[n].part - 1) /
						units[n].part
				      : 1;
	return 0;
}

void grpc_encode_words(struct slice words, char *buffer, size_t room)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t at = 0;

	for (size_t n = 0; n < words.bytes; n++) {
		unsigned char c = (unsigned char)words.at[n];

		if (c >= ' ' && c <= '~' && c != '%') {
			if (at + 1 >= room)
				break;
			buffer[at++] = (char)c;
		} else {
			if (at + 3 >= room)
				break;
			buffer[at++] = '%';
			buffer[at++] = digits[c >> 4];
			buffer[at++] = digits[c & 15];
		}
	}
	buffer[at] = '\0';
}

void grpc_decode_words(struct slice words, struct text *out)
{
	while (words.bytes) {
		uint64_t value;

		if (words.at[0] == '%' && words.bytes >= 3 &&
		    slice_hex((struct slice){ words.at + 1, 2 }, &value)) {
			text_putc(out, (char)value);
			words = slice_skip(words, 3);
		} else {
			text_putc(out, words.at[0]);
			words = slice_skip(words, 1);
		}
	}
}
