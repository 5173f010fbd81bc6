/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static uint64_t clock_read(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_boot_ns(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

uint64_t clock_wall_ns(void)
{
	return clock_read(CLOCK_REALTIME);
}

uint64_t clock_wall_of_boot(uint64_t boot_ns)
{
	/* Events come by the hundred: what the clocks said holds for the second before. */
	static _Thread_local uint64_t read_ns, between_ns;

	if (boot_ns > read_ns || read_ns - boot_ns > NS_PER_S) {
		read_ns = clock_boot_ns();
		between_ns = clock_wall_ns() - read_ns;
	}
	return boot_ns + between_ns;
}

char *clock_rfc3339(char *at, uint64_t wall_ns)
{
	/* Events name more than one moment: their own and when their process was made. Zeroed, a
	 * slot holds second 0 without its text: found out by its first byte. */
	static struct {
		uint64_t second;
		char text[64];
	} slots[16];
	uint64_t second = wall_ns / NS_PER_S;
	uint64_t rest = wall_ns % NS_PER_S;
	char *cached = slots[second % array_count(slots)].text;

	if (second != slots[second % array_count(slots)].second || !cached[0]) {
		time_t when = (time_t)second;
		struct tm tm;

		gmtime_r(&when, &tm);
		snprintf(cached, sizeof(slots[0].text), "%04d-%02d-%02dT%02d:%02d:%02d.",
			 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			 tm.tm_sec);
		slots[second % array_count(slots)].second = second;
	}
	memcpy(at, cached, 20);
	number_padded(at + 20, (uint32_t)rest, 9);
	at[29] = 'Z';
	return at + CLOCK_RFC3339_BYTES;
}

int64_t clock_utc_seconds(int year, int month, int day, int hour, int minute, int second)
{
	/* Days from civil: years begin in March, so that the leap day comes last. */
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return (era * 146097 + day_of_era - 719468) * 86400 + hour * 3600l + minute * 60l + second;
}

/* `digits` decimal digits from the front. */
static bool clock_eat_digits(struct slice *text, size_t digits, int *ret_value)
{
	uint64_t value;
	struct slice head = slice_first(*text, digits);

	if (head.bytes != digits || !slice_u64(head, &value))
		return false;
	*text = slice_skip(*text, digits);
	*ret_value = (int)value;
	return true;
}

static bool clock_eat_fraction(struct slice *text, uint64_t *ret_ns)
{
	uint64_t ns = 0;
	size_t digits = 0;

	*ret_ns = 0;
	if (!slice_eat(text, SLICE(".")) && !slice_eat(text, SLICE(",")))
		return true;
	for (; text->bytes && text->at[0] >= '0' && text->at[0] <= '9'; digits++) {
		if (digits < 9)
			ns = ns * 10 + (uint64_t)(text->at[0] - '0');
		*text = slice_skip(*text, 1);
	}
	for (size_t n = digits; n < 9; n++)
		ns *= 10;
	*ret_ns = ns;
	return digits > 0;
}

static bool clock_eat_offset(struct slice *text, int64_t *ret_seconds)
{
	int hours, minutes;
	bool west;

	*ret_seconds = 0;
	if (slice_eat(text, SLICE("Z")) || slice_eat(text, SLICE("z")))
		return true;
	west = slice_eat(text, SLICE("-"));
	if (!west && !slice_eat(text, SLICE("+")))
		return false;
	if (!clock_eat_digits(text, 2, &hours))
		return false;
	slice_eat(text, SLICE(":"));
	if (!clock_eat_digits(text, 2, &minutes))
		return false;
	*ret_seconds = (west ? -60l : 60l) * (hours * 60l + minutes);
	return true;
}

static bool clock_eat_date(struct slice *text, int64_t *ret_seconds)
{
	int year, month, day, hour, minute, second;

	if (!clock_eat_digits(text, 4, &year) ||
	    !slice_eat(text, SLICE("-")) || !clock_eat_digits(text, 2, &month) ||
		       !slice_eat(text, SLICE("-")) || !clock_eat_digits(text, 2, &day))
		return false;
	if (!slice_eat(text, SLICE("T")) && !slice_eat(text, SLICE("t")) &&
						       !slice_eat(text, SLICE(" ")))
		return false;
	if (!clock_eat_digits(text, 2, &hour) ||
	    !slice_eat(text, SLICE(":")) || !clock_eat_digits(text, 2, &minute) ||
		       !slice_eat(text, SLICE(":")) || !clock_eat_digits(text, 2, &second))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	*ret_seconds = clock_utc_seconds(year, month, day, hour, minute, second);
	return true;
}

bool clock_parse_rfc3339(struct slice text, uint64_t *ret_wall_ns)
{
	int64_t seconds, offset;
	uint64_t ns;

	if (!clock_eat_date(&text, &seconds) || !clock_eat_fraction(&text, &ns) ||
	    !clock_eat_offset(&text, &offset) || text.bytes || seconds < offset)
		return false;
	*ret_wall_ns = (uint64_t)(seconds - offset) * NS_PER_S + ns;
	return true;
}
