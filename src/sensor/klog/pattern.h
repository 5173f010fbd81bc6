/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern - what a message looks like, written as the kernel's source writes it.
 *
 *	{a}	a hexadecimal number or pointer; "(null)" is 0, "(____ptrval____)" is not known
 *	{a#}	a decimal number
 *	{a*}	text, as short as can be
 *	{a^}	the same without blanks
 *	{a@}	a thread's name: at most 15 bytes and as long as can be, since whoever chose the
 *name may have made it look like the words behind it
 *	<...>	may be missing
 *	$	the text ends here
 *	{{	a brace
 *
 * Everything else stands for itself. A number may have blanks before it. The letter is where the
 * value goes; see klog_put() for what the letters mean.
 */
#ifndef SENSOR_KLOG_PATTERN_H
#define SENSOR_KLOG_PATTERN_H

#include "base/slice.h"

/* Longest name of a thread (TASK_COMM_LEN without its end). */
#define PATTERN_NAME_BYTES 15

struct match {
	uint32_t numbers, texts; /* which letters hold one: bit 0 is 'a' */
	uint64_t number[26];
	struct slice text[26];
	struct slice rest; /* what stands behind the pattern */
};

/* Whether the text starts as the pattern says. */
bool pattern_match(const char *pattern, struct slice text, struct match *ret_match);

static inline bool match_has_number(const struct match *match, char letter)
{
	return match->numbers >> (letter - 'a') & 1;
}

static inline uint64_t match_number(const struct match *match, char letter)
{
	return match_has_number(match, letter) ? match->number[letter - 'a'] : 0;
}

static inline struct slice match_text(const struct match *match, char letter)
{
	bool has = match->texts >> (letter - 'a') & 1;

	return has ? match->text[letter - 'a'] : (struct slice){ "", 0 };
}

#endif
