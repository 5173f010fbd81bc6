/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps about tags: AddSystemDetails, Container, Whitelist (and its other name, Allow), Regex.
 * Where a pipeline doesn't measure, an event's fields are its tags.
 */
#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

struct event_map *step_tags(struct event *event)
{
	for (size_t n = 0; event->kind == EVENT_measurement && n < event->count; n++)
		if (event->values[n].field == FIELD_measure_tags)
			return &event->values[n].map;
	return NULL;
}

/* A copy of the tags with room for more, in the event's own memory; NULL: there is no room. */
static struct event_pair *step_copy_tags(struct event *event, struct event_map *tags)
{
	struct event_pair *pairs =
		(struct event_pair *)(void *)event_room(event, (tags->count + 4) * sizeof(*pairs));

	if (!pairs)
		return NULL;
	for (size_t n = 0; n < tags->count; n++)
		pairs[n] = tags->pairs[n];
	tags->pairs = pairs;
	return pairs;
}

/* --- AddSystemDetails --- */

struct step_details_state {
	struct utsname system;
};

static void step_details_open(struct step *step)
{
	struct step_details_state *state = step->state;

	uname(&state->system);
}

static void step_details_take(struct step *step, struct event *event)
{
	const struct step_details_state *state = step->state;
	struct event_map *tags = step_tags(event);
	struct event_pair *pairs = tags ? step_copy_tags(event, tags) : NULL;

	if (pairs && tags->count + 2 <= MEASURE_TAGS) {
		pairs[tags->count].name = SLICE("host");
		pairs[tags->count++].text = slice_of(pipeline_origin(step->pipeline)->host);
		pairs[tags->count].name = SLICE("kernel");
		pairs[tags->count++].text = slice_of(state->system.release);
	}
	step_pass(step, event);
}

const struct step_kind step_details = {
	.name = "AddSystemDetails",
	.help = "tags measurements with host and kernel; events have them anyway",
	.about_tags = true,
	.changes = true,
	.state_bytes = sizeof(struct step_details_state),
	.open = step_details_open,
	.take = step_details_take,
};

/* --- Container --- */

static void step_container_take(struct step *step, struct event *event)
{
	/* `system` chooses: 0 Docker, 1 Kubernetes, -1 both */
	static const struct {
		const char *tag;
		enum event_field field;
		int system;
	} rows[] = {
		{ "docker_id", FIELD_container_id, -1 },
		{ "docker_name", FIELD_container_name, 0 },
		{ "kubernetes_pod_name", FIELD_pod_name, 1 },
		{ "kubernetes_namespace", FIELD_pod_namespace, 1 },
	};
	struct event_map *tags = step_tags(event);
	struct event_pair *pairs = tags ? step_copy_tags(event, tags) : NULL;
	int system = step->settings->system;

	for (size_t n = 0; pairs && n < array_count(rows); n++) {
		struct slice text = event_text_of(event, rows[n].field);

		if (text.bytes == 0 || tags->count == MEASURE_TAGS ||
		    (rows[n].system >= 0 && system >= 0 && rows[n].system != system))
			continue;
		pairs[tags->count].name = slice_of(rows[n].tag);
		pairs[tags->count++].text = text;
	}
	step_pass(step, event);
}

const struct step_kind step_container = {
	.name = "Container",
	.help = "tags measurements with their container and pod; events have them anyway",
	.about_tags = true,
	.changes = true,
	.take = step_container_take,
};

/* --- Whitelist, Allow --- */

static bool step_allows(const struct step_settings *settings, struct slice name)
{
	struct slice rest = slice_of(settings->allow), allowed;

	while (slice_next(&rest, '\n', &allowed))
		if (slice_eq(slice_trim(allowed), name))
			return true;
	return false;
}

static void step_keep_tags(const struct step *step, struct event *event, struct event_map *tags)
{
	struct event_pair *pairs = step_copy_tags(event, tags);
	size_t count = 0;

	for (size_t n = 0; pairs && n < tags->count; n++)
		if (step_allows(step->settings, pairs[n].name))
			pairs[count++] = pairs[n];
	tags->count = count;
}

static void step_keep_fields(const struct step *step, struct event *event)
{
	size_t count = 0;

	for (size_t n = 0; n < event->count; n++) {
		enum event_field field = event->values[n].field;

		if (step_allows(step->settings, slice_of(event_fields[field].name)))
			event->values[count++] = event->values[n];
		else
			event->present[field / 64] &= ~(1ull << (field % 64));
	}
	event->count = count;
}

static void step_whitelist_take(struct step *step, struct event *event)
{
	struct event_map *tags = step_tags(event);

	if (tags)
		step_keep_tags(step, event, tags);
	else
		step_keep_fields(step, event);
	step_pass(step, event);
}

static int step_whitelist_check(struct step_settings *settings, struct error *err)
{
	return settings->allow ? 0 : error_say(err, EINVAL, "'allow' is missing");
}

const struct step_kind step_whitelist = {
	.name = "Whitelist",
	.help = "keeps only the tags named; of events, the fields named",
	.about_tags = true,
	.changes = true,
	.check = step_whitelist_check,
	.take = step_whitelist_take,
};

const struct step_kind step_allow = {
	.name = "Allow",
	.help = "the same as Whitelist",
	.about_tags = true,
	.changes = true,
	.check = step_whitelist_check,
	.take = step_whitelist_take,
};

/* --- Regex --- */

static void step_replace(const struct step_settings *settings, struct slice name,
			 struct slice *text)
{
	for (size_t n = 0; n < settings->pattern_count; n++)
		if (step_pattern_fits(&settings->patterns[n], name, *text))
			*text = slice_of(settings->patterns[n].replace_with);
}

static void step_regex_take(struct step *step, struct event *event)
{
	struct event_map *tags = step_tags(event);
	struct event_pair *pairs = tags ? step_copy_tags(event, tags) : NULL;

	for (size_t n = 0; pairs && n < tags->count; n++)
		step_replace(step->settings, pairs[n].name, &pairs[n].text);
	for (size_t n = 0; !tags && n < event->count; n++)
		if (event_fields[event->values[n].field].type == TYPE_text)
			step_replace(step->settings,
				     slice_of(event_fields[event->values[n].field].name),
				     &event->values[n].text);
	step_pass(step, event);
}

static int step_regex_check(struct step_settings *settings, struct error *err)
{
	if (!settings->pattern_count)
		return error_say(err, EINVAL, "'patterns' is missing");
	return step_patterns_compile(settings, err);
}

const struct step_kind step_regex = {
	.name = "Regex",
	.patterns_key = "patterns",
	.help = "replaces values that a pattern fits",
	.about_tags = true,
	.changes = true,
	.check = step_regex_check,
	.take = step_regex_take,
};
