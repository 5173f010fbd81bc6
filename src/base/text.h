/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - a byte buffer that grows.
 *
 * A failed allocation is remembered (`failed`) instead of being returned by every call: write a
 * whole line, then ask once. Until text_clear() a failed text takes nothing more, so a line is
 * there whole or not at all.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/auto.h"
#include "base/slice.h"

struct text {
	char *at;
	size_t bytes, room;
	bool failed;
};

void text_done(struct text *text);
#define auto_text __attribute__((cleanup(text_done)))

/* Empties it and keeps the memory. */
void text_clear(struct text *text);

/* Makes room for `bytes` more and returns where they go; NULL when memory is out. The writer then
 * adds what it wrote to text->bytes. */
char *text_reserve(struct text *text, size_t bytes);

void text_put(struct text *text, struct slice slice);
void text_putc(struct text *text, char c);
void text_printf(struct text *text, const char *fmt, ...) printf_like(2, 3);

/* Decimal; `digits` > 0 pads with zeros. */
void text_u64(struct text *text, uint64_t value, unsigned int digits);

static inline struct slice text_slice(const struct text *text)
{
	return (struct slice){ text->at, text->bytes };
}

/* Terminated; "" when empty or failed. Borrowed until the next change. */
const char *text_str(struct text *text);

/* Room that number_decimal() and number_hex() may need. */
#define NUMBER_ROOM 20

/* Write a number at `at` and return the place behind it. Not terminated. */
char *number_decimal(char *at, uint64_t value);
char *number_hex(char *at, uint64_t value);

/* The last `digits` digits of the number, with as many zeros in front as it takes. */
char *number_padded(char *at, uint32_t value, unsigned int digits);

#endif
