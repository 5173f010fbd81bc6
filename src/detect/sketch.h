/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch - what is kept of many crashes: little, and of fixed size.
 *
 * Distinct places and distinct values with their first and last time, the oldest replaced when
 * there are too many; counts over a sliding window. That is what lets a probe of one crash a
 * minute add up over hours. Times are a timeline's, see detect/timeline.
 */
#ifndef DETECT_SKETCH_H
#define DETECT_SKETCH_H

#include "detect/crash.h"

#define SKETCH_PLACES	    64
#define SKETCH_VALUES	    64
#define SKETCH_MODULE_BYTES 40

struct place {
	enum crash_place_kind kind;
	char module[SKETCH_MODULE_BYTES]; /* cut when longer */
	uint64_t offset;
	uint64_t first_ns, last_ns, count;
};

struct places {
	size_t count;
	struct place at[SKETCH_PLACES];
};

/* Counts a crash there. A place not seen after `since_ns` begins anew. */
void places_add(struct places *places, const struct crash_place *place, uint64_t at_ns,
		uint64_t since_ns);

/* Those seen after `since_ns`, sorted by kind, module and offset. Returns how many. */
size_t places_live(const struct places *places, uint64_t since_ns,
		   const struct place *ret_live[SKETCH_PLACES]);

/* The most places of one module that lie within `bytes`: a piece of the sorted array. */
struct place_run {
	const struct place **at;
	size_t count;
};
struct place_run places_near(const struct place **live, size_t count, uint64_t bytes);
/* The longest row of places of one module, each at most `step` from the next. */
struct place_run places_stepping(const struct place **live, size_t count, uint64_t step);

struct value {
	uint64_t value, first_ns, last_ns;
	uint32_t pid;
	unsigned char name; /* which of the row's names it had */
};

struct values {
	size_t count;
	struct value at[SKETCH_VALUES];
};

/* Puts a value in; its first_ns is set here, as for a place. */
void values_add(struct values *values, const struct value *value, uint64_t since_ns);

/* Those seen after `since_ns`, sorted by value. Returns how many; NULL has none. */
size_t values_live(const struct values *values, uint64_t since_ns,
		   struct value ret_live[SKETCH_VALUES]);

struct value_run {
	const struct value *at;
	size_t count;
};
/* The longest row of sorted values that steps as the value's row allows. Small numbers that move
 * along with the process id are one, and no sign. */
struct value_run values_stepping(const struct value *live, size_t count,
				 const struct crash_value_row *row);

/* How many addresses differ in one and the same byte only: what guessing byte by byte leaves. */
size_t values_in_one_byte(const struct value *live, size_t count, unsigned int *ret_byte);

/* A count over the last `window_ns`, in two halves of fixed size. */
struct pace {
	uint64_t start_ns, current, previous;
};

void pace_add(struct pace *pace, uint64_t window_ns, uint64_t at_ns, uint64_t count);
/* Takes one back that was counted too many. */
void pace_take(struct pace *pace);
uint64_t pace_sum(const struct pace *pace, uint64_t window_ns, uint64_t now_ns);

#endif
