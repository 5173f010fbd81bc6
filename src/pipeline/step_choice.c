/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that leave events out: Filter, Sample, Rate. */
#include "pipeline/pipeline.h"

#include <errno.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/map.h"

/* --- Filter --- */

static int step_filter_parse(const char *key, const char *words, struct filter **ret_filter,
			     struct error *err)
{
	int r = words ? filter_parse(ret_filter, slice_of(words), err) : 0;

	return r < 0 ? error_wrap(err, r, "'%s'", key) : r;
}

static int step_filter_check(struct step_settings *settings, struct error *err)
{
	int r;

	if (!settings->keep && !settings->drop)
		return error_say(err, EINVAL, "'keep' or 'drop' is missing");
	r = step_filter_parse("keep", settings->keep, &settings->keep_filter, err);
	return r < 0 ? r : step_filter_parse("drop", settings->drop, &settings->drop_filter, err);
}

static void step_filter_take(struct step *step, struct event *event)
{
	const struct event_origin *origin = pipeline_origin(step->pipeline);
	const struct step_settings *settings = step->settings;

	if ((settings->keep_filter && !filter_matches(settings->keep_filter, event, origin)) ||
	    (settings->drop_filter && filter_matches(settings->drop_filter, event, origin)))
		step->dropped.value++;
	else
		step_pass(step, event);
}

const struct step_kind step_filter = {
	.name = "Filter",
	.help = "keeps or drops events by a condition",
	.check = step_filter_check,
	.take = step_filter_take,
};

/* --- Sample --- */

struct step_sample_state {
	uint64_t random;
};

static void step_sample_open(struct step *step)
{
	struct step_sample_state *state = step->state;

	if (getrandom(&state->random, sizeof(state->random), GRND_NONBLOCK) < 0)
		state->random = clock_wall_ns();
	state->random |= 1;
}

/* xorshift64: nobody's secret depends on it. */
static void step_sample_take(struct step *step, struct event *event)
{
	struct step_sample_state *state = step->state;

	state->random ^= state->random << 13;
	state->random ^= state->random >> 7;
	state->random ^= state->random << 17;
	if (state->random % step->settings->one_of) {
		step->dropped.value++;
		return;
	}
	step->pipeline->weight *= step->settings->one_of;
	step_pass(step, event);
}

const struct step_kind step_sample = {
	.name = "Sample",
	.help = "keeps one of so many; what is counted later counts for all",
	.state_bytes = sizeof(struct step_sample_state),
	.open = step_sample_open,
	.take = step_sample_take,
};

/* --- Rate --- */

#define RATE_BUCKETS 4096

/* Buckets of tokens, found by the hash of what they are for: those that share one share its limit,
 * and who that is nobody can choose. */
struct step_rate_state {
	uint64_t seed[2];
	int field; /* -1: all events share one */
	uint64_t cost_ns, depth_ns;
	uint64_t full_ns[RATE_BUCKETS]; /* when it will be full again */
};

static int step_rate_field(const char *name)
{
	for (int n = 0; name && n < FIELD_COUNT; n++)
		if (strcmp(event_fields[n].name, name) == 0)
			return n;
	return -1;
}

static int step_rate_check(struct step_settings *settings, struct error *err)
{
	int field = step_rate_field(settings->by);

	if (settings->by && (field < 0 || event_fields[field].type == TYPE_map))
		return error_say(err, EINVAL, "'by': field '%s' is not known", settings->by);
	return 0;
}

static void step_rate_open(struct step *step)
{
	const struct step_settings *settings = step->settings;
	struct step_rate_state *state = step->state;
	uint64_t burst = settings->burst ? settings->burst : settings->per_second;

	if (getrandom(state->seed, sizeof(state->seed), GRND_NONBLOCK) < 0)
		state->seed[0] = clock_wall_ns();
	state->field = step_rate_field(settings->by);
	state->cost_ns = NS_PER_S / settings->per_second;
	state->cost_ns += state->cost_ns == 0;
	state->depth_ns = burst * state->cost_ns;
}

static size_t step_rate_bucket(const struct step_rate_state *state, const struct event *event)
{
	const struct event_value *value =
		state->field < 0 ? NULL : event_find(event, (enum event_field)state->field);
	struct slice bytes;

	if (!value)
		return 0;
	bytes = event_fields[state->field].type == TYPE_text
			? value->text
			: (struct slice){ (const char *)&value->number, sizeof(value->number) };
	return map_siphash(state->seed, bytes) % RATE_BUCKETS;
}

static void step_rate_take(struct step *step, struct event *event)
{
	struct step_rate_state *state = step->state;
	uint64_t *full_ns = &state->full_ns[step_rate_bucket(state, event)];
	uint64_t now_ns = clock_mono_ns();
	uint64_t next_ns = (*full_ns > now_ns ? *full_ns : now_ns) + state->cost_ns;

	if (next_ns - now_ns > state->depth_ns) {
		step->dropped.value++;
		return;
	}
	*full_ns = next_ns;
	step_pass(step, event);
}

const struct step_kind step_rate = {
	.name = "Rate",
	.help = "lets so many pass in a second, of each value of a field if wanted",
	.state_bytes = sizeof(struct step_rate_state),
	.check = step_rate_check,
	.open = step_rate_open,
	.take = step_rate_take,
};
