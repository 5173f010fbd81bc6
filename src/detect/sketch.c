/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/sketch.h"

#define VALUE_PIDS (1u << 22) /* the kernel's PID_MAX_LIMIT */

/* --- places --- */

static bool place_is(const struct place *place, const struct crash_place *crash)
{
	return place->kind == crash->kind && place->offset == crash->offset &&
	       slice_is(slice_first(crash->module, SKETCH_MODULE_BYTES - 1), place->module);
}

static struct place *places_slot(struct places *places, const struct crash_place *crash)
{
	struct place *oldest = places->at;

	for (size_t n = 0; n < places->count; n++) {
		if (place_is(&places->at[n], crash))
			return &places->at[n];
		if (places->at[n].last_ns < oldest->last_ns)
			oldest = &places->at[n];
	}
	if (places->count < SKETCH_PLACES)
		oldest = &places->at[places->count++];
	*oldest = (struct place){ .kind = crash->kind, .offset = crash->offset };
	slice_copy(crash->module, oldest->module, sizeof(oldest->module));
	return oldest;
}

void places_add(struct places *places, const struct crash_place *crash, uint64_t at_ns,
		uint64_t since_ns)
{
	struct place *place = places_slot(places, crash);

	if (place->last_ns <= since_ns) {
		place->first_ns = at_ns;
		place->count = 0;
	}
	if (at_ns > place->last_ns)
		place->last_ns = at_ns;
	place->count++;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *one = *(const struct place *const *)a;
	const struct place *other = *(const struct place *const *)b;
	int order = strcmp(one->module, other->module);

	if (one->kind != other->kind)
		return one->kind < other->kind ? -1 : 1;
	if (order)
		return order;
	return one->offset < other->offset ? -1 : one->offset > other->offset;
}

size_t places_live(const struct places *places, uint64_t since_ns,
		   const struct place *ret_live[SKETCH_PLACES])
{
	size_t count = 0;

	for (size_t n = 0; n < places->count; n++)
		if (places->at[n].last_ns > since_ns)
			ret_live[count++] = &places->at[n];
	qsort(ret_live, count, sizeof(*ret_live), place_compare);
	return count;
}

static bool place_is_same_module(const struct place *one, const struct place *other)
{
	return one->kind == other->kind && strcmp(one->module, other->module) == 0;
}

struct place_run places_near(const struct place **live, size_t count, uint64_t bytes)
{
	struct place_run best = { live, 0 };
	size_t first = 0;

	for (size_t n = 0; n < count; n++) {
		while (!place_is_same_module(live[first], live[n]) ||
		       live[n]->offset - live[first]->offset > bytes)
			first++;
		if (n - first + 1 > best.count)
			best = (struct place_run){ live + first, n - first + 1 };
	}
	return best;
}

struct place_run places_stepping(const struct place **live, size_t count, uint64_t step)
{
	struct place_run best = { live, 0 };
	size_t first = 0;

	for (size_t n = 0; n < count; n++) {
		if (n && (!place_is_same_module(live[n - 1], live[n]) ||
			  live[n]->offset - live[n - 1]->offset > step))
			first = n;
		if (live[n]->kind == PLACE_code && n - first + 1 > best.count)
			best = (struct place_run){ live + first, n - first + 1 };
	}
	return best;
}

/* --- values --- */

static struct value *values_slot(struct values *values, uint64_t value)
{
	struct value *oldest = values->at;

	for (size_t n = 0; n < values->count; n++) {
		if (values->at[n].value == value)
			return &values->at[n];
		if (values->at[n].last_ns < oldest->last_ns)
			oldest = &values->at[n];
	}
	return values->count < SKETCH_VALUES ? &values->at[values->count++] : oldest;
}

void values_add(struct values *values, const struct value *value, uint64_t since_ns)
{
	struct value *slot = values_slot(values, value->value);
	uint64_t first_ns = slot->value == value->value && slot->last_ns > since_ns
				    ? slot->first_ns
				    : value->last_ns;

	*slot = *value;
	slot->first_ns = first_ns;
}

static int value_compare(const void *a, const void *b)
{
	const struct value *one = a, *other = b;

	return one->value < other->value ? -1 : one->value > other->value;
}

size_t values_live(const struct values *values, uint64_t since_ns,
		   struct value ret_live[SKETCH_VALUES])
{
	size_t count = 0;

	for (size_t n = 0; values && n < values->count; n++)
		if (values->at[n].last_ns > since_ns)
			ret_live[count++] = values->at[n];
	qsort(ret_live, count, sizeof(*ret_live), value_compare);
	return count;
}

static bool value_is_step(const struct value *one, const struct value *next,
			  const struct crash_value_row *row)
{
	uint64_t step = next->value - one->value;

	/* A process id, perhaps that of an inner namespace, moves along with the one we know. */
	if (next->value < VALUE_PIDS && next->pid - one->pid == step)
		return false;
	return step <= (one->value >= CRASH_SMALL ? row->step : row->small_step);
}

struct value_run values_stepping(const struct value *live, size_t count,
				 const struct crash_value_row *row)
{
	struct value_run best = { live, 0 };
	size_t first = 0;

	for (size_t n = 0; n < count; n++) {
		if (n && !value_is_step(&live[n - 1], &live[n], row))
			first = n;
		if (n - first + 1 > best.count)
			best = (struct value_run){ live + first, n - first + 1 };
	}
	return best;
}

/* The byte in which two distinct numbers differ, if it is one only; otherwise 8. */
static unsigned int value_byte(uint64_t one, uint64_t other)
{
	uint64_t bits = one ^ other;
	unsigned int byte = (unsigned int)__builtin_ctzll(bits) / 8;

	return bits & ~(0xffull << 8 * byte) ? 8 : byte;
}

/* Those that differ from one another in the same byte only are a group, which its first member
 * finds whole. */
size_t values_in_one_byte(const struct value *live, size_t count, unsigned int *ret_byte)
{
	size_t best = 0;

	for (size_t first = 0; first < count; first++) {
		size_t alike[9] = { 0 };

		if (live[first].value < CRASH_SMALL)
			continue;
		for (size_t n = first + 1; n < count; n++)
			alike[value_byte(live[first].value, live[n].value)]++;
		for (unsigned int byte = 0; byte < 8; byte++) {
			if (alike[byte] + 1 <= best)
				continue;
			best = alike[byte] + 1;
			*ret_byte = byte;
		}
	}
	return best;
}

/* --- paces --- */

/* Brings the halves up to a time. */
static struct pace pace_at(const struct pace *pace, uint64_t window_ns, uint64_t at_ns)
{
	uint64_t age_ns = at_ns > pace->start_ns ? at_ns - pace->start_ns : 0;

	if (age_ns < window_ns)
		return *pace;
	if (age_ns < 2 * window_ns)
		return (struct pace){ pace->start_ns + window_ns, 0, pace->current };
	return (struct pace){ .start_ns = at_ns };
}

void pace_add(struct pace *pace, uint64_t window_ns, uint64_t at_ns, uint64_t count)
{
	*pace = pace_at(pace, window_ns, at_ns);
	pace->current += count;
}

void pace_take(struct pace *pace)
{
	if (pace->current)
		pace->current--;
	else if (pace->previous)
		pace->previous--;
}

uint64_t pace_sum(const struct pace *pace, uint64_t window_ns, uint64_t now_ns)
{
	struct pace now = pace_at(pace, window_ns, now_ns);
	uint64_t age_ns = now_ns > now.start_ns ? now_ns - now.start_ns : 0;

	if (age_ns > window_ns)
		age_ns = window_ns;
	/* The part of the half before that the window still covers. */
	return now.current +
	       (uint64_t)((double)now.previous * (double)(window_ns - age_ns) / (double)window_ns);
}
