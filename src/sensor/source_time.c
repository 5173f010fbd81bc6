/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/source_time.h"

#include <time.h>

#include "base/clock.h"
#include "sensor/klog/pattern.h"

static bool source_time_month(struct slice *text, int *ret_month)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (size_t n = 0; n < 12; n++)
		if (slice_eat(text, (struct slice){ months + 3 * n, 3 })) {
			*ret_month = (int)n;
			return true;
		}
	return false;
}

static struct source_time source_time_of_wall(int64_t seconds, uint64_t fraction_ns)
{
	uint64_t wall_ns = (uint64_t)seconds * NS_PER_S + fraction_ns;

	return (struct source_time){ .wall_ns = wall_ns,
				     .us = wall_ns / NS_PER_US,
				     .has_us = true };
}

/* ".208517": the digits behind a point, as nanoseconds. */
static uint64_t source_time_fraction_ns(struct slice *text)
{
	uint64_t digit_ns = NS_PER_S / 10, ns = 0;

	if (!slice_eat(text, SLICE(".")))
		return 0;
	for (; text->bytes && text->at[0] >= '0' && text->at[0] <= '9'; digit_ns /= 10) {
		ns += (uint64_t)(text->at[0] - '0') * digit_ns;
		*text = slice_skip(*text, 1);
	}
	return ns;
}

/* A date without a year is of the last twelve months; a clock may be a day ahead. */
static int64_t source_time_guess_year(struct tm *date, uint64_t now_wall_ns)
{
	time_t now = (time_t)(now_wall_ns / NS_PER_S), then;
	struct tm today;

	localtime_r(&now, &today);
	date->tm_year = today.tm_year;
	date->tm_isdst = -1;
	then = mktime(&(struct tm){ .tm_year = date->tm_year,
				    .tm_mon = date->tm_mon,
				    .tm_mday = date->tm_mday,
				    .tm_hour = date->tm_hour,
				    .tm_min = date->tm_min,
				    .tm_sec = date->tm_sec,
				    .tm_isdst = -1 });
	if (then <= now + 86400)
		return then;
	date->tm_year--;
	return mktime(date);
}

static bool source_time_clock(const struct match *match, struct tm *date)
{
	date->tm_mday = (int)match_number(match, 'd');
	date->tm_hour = (int)match_number(match, 'h');
	date->tm_min = (int)match_number(match, 'm');
	date->tm_sec = (int)match_number(match, 's');
	date->tm_isdst = -1;
	return match_number(match, 'd') >= 1 && match_number(match, 'd') <= 31 &&
	       match_number(match, 'h') < 24 && match_number(match, 'm') < 60 &&
	       match_number(match, 's') <= 60;
}

/* --- dmesg --- */

/* "1370.208517" and, with -d, " <    0.000012>" */
static bool source_time_since_boot(struct slice body, struct source_time *time)
{
	struct match match;
	uint64_t ns;

	if (!pattern_match("{s#}", body, &match) || match.rest.bytes == 0 ||
	    match.rest.at[0] != '.' || match_number(&match, 's') > UINT32_MAX)
		return false;
	ns = source_time_fraction_ns(&match.rest);
	*time = (struct source_time){ .us = match_number(&match, 's') * 1000000 + ns / NS_PER_US,
				      .has_us = true };
	return match.rest.bytes == 0 || slice_starts(match.rest, SLICE(" <"));
}

/* "  +0.000012" (-e), "<    0.000012>" (--time-format delta) */
static bool source_time_delta(struct slice body, const struct source_time *last,
			      struct source_time *time)
{
	struct source_time delta;

	body = slice_trim(body);
	if (slice_eat(&body, SLICE("<")) && slice_ends(body, SLICE(">")))
		body = slice_trim(slice_first(body, body.bytes - 1));
	else if (!slice_eat(&body, SLICE("+")))
		return false;
	if (!source_time_since_boot(body, &delta))
		return false;
	*time = *last;
	time->us += delta.us;
	time->has_us = true;
	if (time->wall_ns)
		time->wall_ns += delta.us * NS_PER_US;
	return true;
}

/* "Sun Nov 22 14:50:47 2026" and, with -d, " <    0.000012>" */
static bool source_time_ctime(struct slice body, struct source_time *time)
{
	struct tm date = { .tm_sec = 0 };
	struct match match;

	if (body.bytes < 4 || body.at[3] != ' ')
		return false;
	body = slice_skip(body, 4);
	if (!source_time_month(&body, &date.tm_mon) ||
	    !pattern_match(" {d#} {h#}:{m#}:{s#} {y#}", body, &match) ||
	    !source_time_clock(&match, &date) || match_number(&match, 'y') - 1970 > 1000)
		return false;
	date.tm_year = (int)match_number(&match, 'y') - 1900;
	*time = source_time_of_wall(mktime(&date), 0);
	return match.rest.bytes == 0 || slice_starts(match.rest, SLICE(" <"));
}

/* "Nov22 14:50" */
static bool source_time_minute(struct slice body, uint64_t now_wall_ns, struct source_time *time)
{
	struct tm date = { .tm_sec = 0 };
	struct match match;

	if (!source_time_month(&body, &date.tm_mon) ||
	    !pattern_match("{d#} {h#}:{m#}$", body, &match) || !source_time_clock(&match, &date))
		return false;
	*time = source_time_of_wall(source_time_guess_year(&date, now_wall_ns), 0);
	return true;
}

bool source_time_bracket(struct slice *text, uint64_t now_wall_ns, const struct source_time *last,
			 struct source_time *time)
{
	struct slice rest = *text, body;

	if (!slice_eat(&rest, SLICE("[")) || !slice_cut(&rest, ']', &body) || body.bytes > 64)
		return false;
	if (!source_time_since_boot(body, time) && !source_time_delta(body, last, time) &&
	    !source_time_ctime(body, time) && !source_time_minute(body, now_wall_ns, time))
		return false;
	*text = rest;
	return true;
}

/* --- others --- */

bool source_time_syslog(struct slice *text, uint64_t now_wall_ns, struct source_time *time)
{
	struct slice rest = *text;
	struct tm date = { .tm_sec = 0 };
	struct match match;
	uint64_t fraction_ns;

	if (!source_time_month(&rest, &date.tm_mon) ||
	    !pattern_match(" {d#} {h#}:{m#}:{s#}", rest, &match) ||
	    !source_time_clock(&match, &date))
		return false;
	rest = match.rest;
	fraction_ns = source_time_fraction_ns(&rest);
	*time = source_time_of_wall(source_time_guess_year(&date, now_wall_ns), fraction_ns);
	*text = rest;
	return true;
}

bool source_time_iso(struct slice *text, struct source_time *time, bool *ret_comma)
{
	struct slice rest = *text, word;
	char copy[48];
	char *comma;
	size_t bytes;
	uint64_t wall_ns;

	if (!slice_next(&rest, ' ', &word) || word.bytes < 20 || word.bytes > 40 ||
	    word.at[4] != '-')
		return false;
	bytes = slice_copy(word, copy, sizeof(copy));
	comma = memchr(copy, ',', bytes);
	if (comma)
		*comma = '.';
	/* "+0100" */
	if (bytes > 5 && (copy[bytes - 5] == '+' || copy[bytes - 5] == '-')) {
		memmove(copy + bytes - 1, copy + bytes - 2, 2);
		copy[bytes - 2] = ':';
		bytes++;
	}
	if (!clock_parse_rfc3339((struct slice){ copy, bytes }, &wall_ns))
		return false;
	*time = source_time_of_wall((int64_t)(wall_ns / NS_PER_S), wall_ns % NS_PER_S);
	*text = rest;
	*ret_comma = comma;
	return true;
}
