/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/protobuf.h"

/* Types of fields on the wire. */
enum { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_LENGTH = 2 };

#define PROTOBUF_VARINT_BYTES 10

static size_t protobuf_write_varint(char *at, uint64_t value)
{
	size_t bytes = 0;

	for (; value >= 0x80; value >>= 7)
		at[bytes++] = (char)(value | 0x80);
	at[bytes++] = (char)value;
	return bytes;
}

void protobuf_varint(struct text *out, uint64_t value)
{
	char *at = text_reserve(out, PROTOBUF_VARINT_BYTES);

	if (at)
		out->bytes += protobuf_write_varint(at, value);
}

static void protobuf_tag(struct text *out, unsigned int field, unsigned int type)
{
	protobuf_varint(out, field << 3 | type);
}

void protobuf_u64(struct text *out, unsigned int field, uint64_t value)
{
	protobuf_tag(out, field, PROTOBUF_VARINT);
	protobuf_varint(out, value);
}

void protobuf_fixed64(struct text *out, unsigned int field, uint64_t value)
{
	protobuf_tag(out, field, PROTOBUF_FIXED64);
	for (unsigned int n = 0; n < 8; n++)
		text_putc(out, (char)(value >> 8 * n));
}

void protobuf_double(struct text *out, unsigned int field, double value)
{
	uint64_t bits;

	_Static_assert(sizeof(bits) == sizeof(value), "IEEE 754");
	memcpy(&bits, &value, sizeof(bits));
	protobuf_fixed64(out, field, bits);
}

void protobuf_bytes(struct text *out, unsigned int field, struct slice bytes)
{
	protobuf_tag(out, field, PROTOBUF_LENGTH);
	protobuf_varint(out, bytes.bytes);
	text_put(out, bytes);
}

size_t protobuf_open(struct text *out, unsigned int field)
{
	protobuf_tag(out, field, PROTOBUF_LENGTH);
	text_putc(out, 0); /* the length goes here; mostly it fits */
	return out->bytes;
}

void protobuf_close(struct text *out, size_t opened)
{
	char length[PROTOBUF_VARINT_BYTES];
	size_t bytes, body;

	if (out->failed)
		return;
	body = out->bytes - opened;
	bytes = protobuf_write_varint(length, body);
	if (bytes > 1) {
		if (!text_reserve(out, bytes))
			return;
		memmove(out->at + opened + bytes - 1, out->at + opened, body);
		out->bytes += bytes - 1;
	}
	memcpy(out->at + opened - 1, length, bytes);
}
