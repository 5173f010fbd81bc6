/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slice - borrowed bytes with a length; not terminated, may hold any byte.
 *
 * Parsers take a slice and move its front: slice_cut() and friends return the piece before a mark
 * and leave the rest, so that a parser reads as the grammar it parses.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *at;
	size_t bytes;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })
/* The two arguments that "%.*s" wants. */
#define SLICE_ARG(slice) (int)(slice).bytes, (slice).at

static inline struct slice slice_of(const char *terminated)
{
	return (struct slice){ terminated, terminated ? strlen(terminated) : 0 };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.at, b.at, a.bytes) == 0);
}

static inline bool slice_is(struct slice a, const char *terminated)
{
	return slice_eq(a, slice_of(terminated));
}

static inline bool slice_starts(struct slice a, struct slice prefix)
{
	return a.bytes >= prefix.bytes && memcmp(a.at, prefix.at, prefix.bytes) == 0;
}

static inline bool slice_ends(struct slice a, struct slice suffix)
{
	return a.bytes >= suffix.bytes &&
	       memcmp(a.at + a.bytes - suffix.bytes, suffix.at, suffix.bytes) == 0;
}

/* The slice without its first `bytes` (at most all of it). */
static inline struct slice slice_skip(struct slice a, size_t bytes)
{
	if (bytes > a.bytes)
		bytes = a.bytes;
	/* C knows no NULL + 0. */
	return (struct slice){ bytes ? a.at + bytes : a.at, a.bytes - bytes };
}

/* The first `bytes` of the slice (at most all of it). */
static inline struct slice slice_first(struct slice a, size_t bytes)
{
	return (struct slice){ a.at, bytes < a.bytes ? bytes : a.bytes };
}

/* Steps over `prefix` if the slice starts with it; says whether it did. */
static inline bool slice_eat(struct slice *a, struct slice prefix)
{
	if (!slice_starts(*a, prefix))
		return false;
	*a = slice_skip(*a, prefix.bytes);
	return true;
}

/* Where `needle` first (or last) stands in the slice, or -1. */
ssize_t slice_find(struct slice a, struct slice needle);
ssize_t slice_find_last(struct slice a, struct slice needle);

/* Cuts at the first `mark`: *head = what stood before it, *a = what stands behind it; where both
 * are one slice, it is what stood before. Returns false, and changes nothing, where there is no
 * mark. */
static inline bool slice_cut(struct slice *a, char mark, struct slice *head)
{
	const char *at = a->bytes ? memchr(a->at, mark, a->bytes) : NULL;
	struct slice before;

	if (!at)
		return false;
	before = slice_first(*a, (size_t)(at - a->at));
	*a = slice_skip(*a, before.bytes + 1);
	*head = before;
	return true;
}

/* The next piece before `mark`, or all that is left; false when nothing is left. */
bool slice_next(struct slice *a, char mark, struct slice *piece);

/* Without blanks, tabs and line ends at both ends. */
struct slice slice_trim(struct slice a);

/* Bytes of the first character as UTF-8 (RFC 3629); 0 when it is none, or nothing is left. */
size_t slice_utf8_bytes(struct slice a);

/* The value of a hexadecimal digit; -1: it is none. */
static inline int slice_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads a number from the front and steps over it; false, nothing changed, when there is none or
 * it does not fit. No sign, no blanks. Hexadecimal takes an optional "0x". */
bool slice_eat_u64(struct slice *a, uint64_t *ret_value);
bool slice_eat_hex(struct slice *a, uint64_t *ret_value);

/* The whole slice as a number. */
bool slice_u64(struct slice a, uint64_t *ret_value);
bool slice_hex(struct slice a, uint64_t *ret_value);

/* Copies into a buffer of `room` bytes, terminated, cut when too long. Returns the bytes copied. */
size_t slice_copy(struct slice a, char *buffer, size_t room);

/* How many single-character edits lie between two names (for "did you mean"); SIZE_MAX when one
 * is longer than 64 bytes. */
size_t slice_distance(struct slice a, struct slice b);

#endif
