/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock - the kernel's clocks in nanoseconds, and wall time in words.
 *
 * mono stands still while the machine sleeps, boot does not, wall is UTC since 1970 and may jump.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/text.h"

#define NS_PER_S  1000000000ull
#define NS_PER_MS 1000000ull
#define NS_PER_US 1000ull

uint64_t clock_mono_ns(void);
uint64_t clock_boot_ns(void);
uint64_t clock_wall_ns(void);

/* The wall time of a moment on the boot clock, by how the two stand to each other: now, or when
 * that was last asked, if the moment lies in the second before that. */
uint64_t clock_wall_of_boot(uint64_t boot_ns);

/* Bytes of "2026-11-22T14:50:47.123456789Z". */
#define CLOCK_RFC3339_BYTES 30

/* Writes wall time as RFC 3339 in UTC with nanoseconds: exactly CLOCK_RFC3339_BYTES bytes, not
 * terminated; returns the place behind. Some seconds are remembered: not for two threads. */
char *clock_rfc3339(char *at, uint64_t wall_ns);

/* Reads an RFC 3339 time (any offset, 0 to 9 digits behind the point); false when it is none. */
bool clock_parse_rfc3339(struct slice text, uint64_t *ret_wall_ns);

/* Seconds since 1970 of a UTC calendar date and time (month 1-12, day 1-31; not checked). */
int64_t clock_utc_seconds(int year, int month, int day, int hour, int minute, int second);

#endif
