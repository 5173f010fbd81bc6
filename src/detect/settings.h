/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settings - what a user can set about the detectors: one row each, under [analytics].
 *
 * A program's own table of settings is made from these rows:
 *
 *	#define X(member, key, number, unit, least, most, help)                         \
 *		{ .key = "analytics." key, .type = SETTING_duration, .scale = NS_PER_S, \
 *		  .fallback = #number #unit, AT(detect.member), ... },
 *	DETECT_DURATIONS(X)
 */
#ifndef DETECT_SETTINGS_H
#define DETECT_SETTINGS_H

#include "base/clock.h"
#include "base/error.h"

/* Lengths of the units that durations are written in. */
#define DETECT_UNIT_s NS_PER_S
#define DETECT_UNIT_m (60 * NS_PER_S)
#define DETECT_UNIT_h (3600 * NS_PER_S)

/* clang-format off */
/* X(member, key, default, its unit, least ns, most ns (0 = no limit), help) */
#define DETECT_DURATIONS(X)                                                                        \
	X(collection_timeout_ns, "collection_timeout_seconds", 10, s, NS_PER_S, 0,                 \
	  "How long evidence is collected before an open detection is reported again")             \
	X(event_lifetime_ns, "event_lifetime_seconds", 30, s, 0, 0,                                \
	  "How long a crash is kept for the events of a detection (justification full)")           \
	X(resolve_ns, "resolve", 10, m, NS_PER_S, 0,                                               \
	  "How long it has to be quiet until a detection is resolved")                             \
	X(window_ns, "window", 6, h, NS_PER_S, 0,                                                  \
	  "How long a crash counts as evidence")                                                   \
	X(canary_window_ns, "canary_window", 10, s, NS_PER_S, 0,                                   \
	  "Time in which canary_crashes children of one server have to crash")                     \
	X(rate_window_ns, "rate_window", 5, m, NS_PER_S, 0,                                        \
	  "Time over which a program's crashes are counted to compare them with what is usual")    \
	X(rate_half_life_ns, "rate_half_life", 24, h, NS_PER_S, 0,                                 \
	  "How fast what is usual is learnt and forgotten")

/* X(member, key, default, least, most, help) */
#define DETECT_COUNTS(X)                                                                           \
	X(max_event_count, "max_event_count", 20, 1, 10000,                                        \
	  "How many crashes of all programs are kept for the events of a detection")               \
	X(event_drop_count, "event_drop_count", 5, 1, 10000,                                       \
	  "How many of the oldest make room when there are too many")                              \
	X(programs, "programs", 256, 4, 65536,                                                     \
	  "How many programs' crash histories are kept; the one that crashed longest ago goes")    \
	X(cluster_places, "cluster_places", 10, 2, 64,                                             \
	  "Places a program has to crash in, wherever they are, to make a cluster")                \
	X(cluster_near_places, "cluster_near_places", 5, 2, 64,                                    \
	  "Places close together, or system calls refused, that make a cluster")                   \
	X(cluster_near_bytes, "cluster_near_bytes", 256, 1, 1048576,                               \
	  "How far apart places close together may be")                                            \
	X(probe_ip_bytes, "probe_ip_bytes", 8, 1, 4096,                                            \
	  "Step up to which instruction pointers of crashes belong to one probe")                  \
	X(probe_ip_values, "probe_ip_values", 2, 2, 64,                                            \
	  "Instruction pointers in such steps that make a probe")                                  \
	X(probe_values, "probe_values", 9, 2, 64,                                                  \
	  "Values of another register in small steps that make a probe")                           \
	X(canary_crashes, "canary_crashes", 20, 4, 100000,                                         \
	  "Crashes of one server's children within canary_window that make a canary probe")        \
	X(canary_slow_crashes, "canary_slow_crashes", 60, 4, 100000,                               \
	  "The same for a slow one: aborts of one server's children within the window")            \
	X(rate_floor, "rate_floor", 20, 1, 1000000,                                                \
	  "Crashes within rate_window below which no rate is unusual")                             \
	X(rate_factor, "rate_factor", 10, 1, 1000000,                                              \
	  "How many times more than usual is unusual")                                             \
	X(loop_crashes, "loop_crashes", 5, 2, 1000000,                                             \
	  "Crashes in one place that make a crash loop")
/* clang-format on */

/* The agent acts on the mode: what is passed on to sinks. */
enum detect_mode {
	DETECT_MODE_off,	 /* events only */
	DETECT_MODE_passthrough, /* events and detections */
	DETECT_MODE_detected,	 /* detections only */
};
enum detect_justification {
	DETECT_JUSTIFY_none,	/* a sentence and a count */
	DETECT_JUSTIFY_summary, /* what the crashes have in common, too */
	DETECT_JUSTIFY_full,	/* the crashes themselves, too */
};
/* NULL-terminated, for a table of settings. */
extern const char *const detect_mode_names[], *const detect_justification_names[];

struct detect_settings {
	int mode, justification; /* of the above; int as settings are read into it */
#define X(member, ...) uint64_t member;
	DETECT_DURATIONS(X)
	DETECT_COUNTS(X)
#undef X
};

void detect_settings_init(struct detect_settings *settings);

/* What only the whole can show: two settings that contradict each other. *ret_key: the one to
 * change. */
must_check int detect_settings_check(const struct detect_settings *settings, const char **ret_key,
				     struct error *err);

#endif
