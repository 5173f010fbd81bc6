/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdarg.h>

void text_done(struct text *text)
{
	free(text->at);
	*text = (struct text){ 0 };
}

void text_clear(struct text *text)
{
	text->bytes = 0;
	text->failed = false;
}

char *text_reserve(struct text *text, size_t bytes)
{
	size_t need, room;
	char *at;

	if (text->failed)
		return NULL;
	if (text->room - text->bytes >= bytes && text->at)
		return text->at + text->bytes;
	if (__builtin_add_overflow(text->bytes, bytes, &need) || need > SIZE_MAX / 2)
		goto failed;
	room = text->room ? text->room : 128;
	while (room < need)
		room *= 2;
	at = realloc(text->at, room);
	if (!at)
		goto failed;
	text->at = at;
	text->room = room;
	return at + text->bytes;
failed:
	text->failed = true;
	return NULL;
}

void text_put(struct text *text, struct slice slice)
{
	char *at = text_reserve(text, slice.bytes);

	if (!at || slice.bytes == 0)
		return;
	memcpy(at, slice.at, slice.bytes);
	text->bytes += slice.bytes;
}

void text_putc(struct text *text, char c)
{
	char *at = text_reserve(text, 1);

	if (!at)
		return;
	*at = c;
	text->bytes++;
}

void text_printf(struct text *text, const char *fmt, ...)
{
	va_list args;
	char *at;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		text->failed = true;
		return;
	}
	at = text_reserve(text, (size_t)n + 1);
	if (!at)
		return;
	va_start(args, fmt);
	vsnprintf(at, (size_t)n + 1, fmt, args);
	va_end(args);
	text->bytes += (size_t)n;
}

void text_u64(struct text *text, uint64_t value, unsigned int digits)
{
	char number[NUMBER_ROOM];
	size_t bytes = (size_t)(number_decimal(number, value) - number);

	for (size_t n = bytes; n < digits; n++)
		text_putc(text, '0');
	text_put(text, (struct slice){ number, bytes });
}

const char *text_str(struct text *text)
{
	char *at = text_reserve(text, 1);

	if (!at)
		return "";
	*at = '\0';
	return text->at;
}

static const char number_pairs[] = "00010203040506070809"
				   "10111213141516171819"
				   "20212223242526272829"
				   "30313233343536373839"
				   "40414243444546474849"
				   "50515253545556575859"
				   "60616263646566676869"
				   "70717273747576777879"
				   "80818283848586878889"
				   "90919293949596979899";

static unsigned int number_digits(uint64_t value)
{
	static const uint64_t powers[] = {
		0,
		10,
		100,
		1000,
		10000,
		100000,
		1000000,
		10000000,
		100000000,
		1000000000,
		10000000000,
		100000000000,
		1000000000000,
		10000000000000,
		100000000000000,
		1000000000000000,
		10000000000000000,
		100000000000000000,
		1000000000000000000,
		10000000000000000000u,
	};
	/* 1233/4096 is a little more than log10(2). */
	unsigned int guess = (unsigned int)(64 - __builtin_clzll(value | 1)) * 1233 >> 12;

	return guess + (value >= powers[guess]);
}

char *number_decimal(char *at, uint64_t value)
{
	unsigned int digits = value ? number_digits(value) : 1;
	char *end = at + digits, *to = end;

	while (value >= 100) {
		to -= 2;
		memcpy(to, number_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(to - 2, number_pairs + value * 2, 2);
	else
		to[-1] = (char)('0' + value);
	return end;
}

char *number_padded(char *at, uint32_t value, unsigned int digits)
{
	char *end = at + digits, *to = end;

	for (; to - at >= 2; value /= 100) {
		to -= 2;
		memcpy(to, number_pairs + (size_t)(value % 100) * 2, 2);
	}
	if (to > at)
		*at = (char)('0' + value % 10);
	return end;
}

char *number_hex(char *at, uint64_t value)
{
	int digits = value ? (67 - __builtin_clzll(value)) / 4 : 1;

	for (int n = digits - 1; n >= 0; n--) {
		at[n] = "0123456789abcdef"[value & 15];
		value >>= 4;
	}
	return at + digits;
}
