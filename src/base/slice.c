/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

ssize_t slice_find(struct slice a, struct slice needle)
{
	/* An empty slice may have no place at all, which memmem(3) wants. */
	const char *at = a.bytes ? memmem(a.at, a.bytes, needle.at, needle.bytes) : NULL;

	return at ? at - a.at : -1;
}

ssize_t slice_find_last(struct slice a, struct slice needle)
{
	if (needle.bytes == 0)
		return (ssize_t)a.bytes;
	while (a.bytes >= needle.bytes) {
		size_t last = a.bytes - needle.bytes;
		const char *at = memrchr(a.at, needle.at[0], last + 1);

		if (!at)
			return -1;
		if (memcmp(at, needle.at, needle.bytes) == 0)
			return at - a.at;
		a.bytes = (size_t)(at - a.at) + needle.bytes - 1;
	}
	return -1;
}

bool slice_next(struct slice *a, char mark, struct slice *piece)
{
	if (a->bytes == 0)
		return false;
	if (!slice_cut(a, mark, piece)) {
		*piece = *a;
		*a = slice_skip(*a, a->bytes);
	}
	return true;
}

static bool slice_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct slice slice_trim(struct slice a)
{
	while (a.bytes && slice_is_blank(a.at[0]))
		a = slice_skip(a, 1);
	while (a.bytes && slice_is_blank(a.at[a.bytes - 1]))
		a.bytes--;
	return a;
}

size_t slice_utf8_bytes(struct slice a)
{
	const unsigned char *at = (const unsigned char *)a.at;
	unsigned char first = a.bytes ? at[0] : 0xff;
	size_t need;

	if (first < 0x80)
		return 1;
	need = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	if (need == 0 || need > a.bytes)
		return 0;
	for (size_t n = 1; n < need; n++)
		if ((at[n] & 0xc0) != 0x80)
			return 0;
	if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
	    (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
		return 0;
	return need;
}

bool slice_eat_u64(struct slice *a, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t n = 0;

	for (; n < a->bytes && a->at[n] >= '0' && a->at[n] <= '9'; n++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(a->at[n] - '0'), &value))
			return false;
	}
	if (n == 0)
		return false;
	*a = slice_skip(*a, n);
	*ret_value = value;
	return true;
}

bool slice_eat_hex(struct slice *a, uint64_t *ret_value)
{
	struct slice rest = *a;
	uint64_t value = 0;
	size_t n = 0;
	int digit;

	slice_eat(&rest, SLICE("0x"));
	for (; n < rest.bytes && (digit = slice_hex_digit(rest.at[n])) >= 0; n++) {
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	if (n == 0)
		return false;
	*a = slice_skip(rest, n);
	*ret_value = value;
	return true;
}

bool slice_u64(struct slice a, uint64_t *ret_value)
{
	uint64_t value;

	if (!slice_eat_u64(&a, &value) || a.bytes)
		return false;
	*ret_value = value;
	return true;
}

bool slice_hex(struct slice a, uint64_t *ret_value)
{
	uint64_t value;

	if (!slice_eat_hex(&a, &value) || a.bytes)
		return false;
	*ret_value = value;
	return true;
}

size_t slice_copy(struct slice a, char *buffer, size_t room)
{
	size_t n;

	if (room == 0)
		return 0;
	n = a.bytes < room ? a.bytes : room - 1;
	if (n)
		memcpy(buffer, a.at, n);
	buffer[n] = '\0';
	return n;
}

size_t slice_distance(struct slice a, struct slice b)
{
	size_t row[65];

	if (a.bytes > 64 || b.bytes > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.bytes; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.bytes; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.bytes; j++) {
			size_t changed = diagonal + (a.at[i - 1] != b.at[j - 1]);
			size_t shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = changed < shorter ? changed : shorter;
		}
	}
	return row[b.bytes];
}
