/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf - a streaming writer of protocol buffers onto a text; reading them is protobuf-c's work.
 *
 *	size_t record = protobuf_open(&text, 2);
 *
 *	protobuf_fixed64(&text, 1, wall_ns);
 *	protobuf_bytes(&text, 3, SLICE("info"));
 *	protobuf_close(&text, record);
 */
#ifndef WIRE_PROTOBUF_H
#define WIRE_PROTOBUF_H

#include "base/text.h"

void protobuf_varint(struct text *out, uint64_t value);

/* A field of number `field`: an integer, enum or flag; a fixed64; a double; bytes, a string or a
 * message that is written already. */
void protobuf_u64(struct text *out, unsigned int field, uint64_t value);
void protobuf_fixed64(struct text *out, unsigned int field, uint64_t value);
void protobuf_double(struct text *out, unsigned int field, double value);
void protobuf_bytes(struct text *out, unsigned int field, struct slice bytes);

/* A message within the message; what is written until it is closed is its own. */
size_t protobuf_open(struct text *out, unsigned int field);
void protobuf_close(struct text *out, size_t opened);

#endif
