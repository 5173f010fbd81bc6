/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps about tags: AddSystemDetails, Container, Whitelist (and its other name, Allow), Regex.
 * Where a pipeline doesn't measure, an event's fields are its tags.
 */
#include "pipeline/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

/* The tags of a measurement, or NULL. */
static struct event_map *step_tags(struct event *event)
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

static bool step_pattern_fits(const struct step_pattern *pattern, struct slice name,
			      struct slice text)
{
	regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)text.bytes };

	return slice_is(name, pattern->key) && text.at &&
	       regexec(&pattern->compiled, text.at, 1, &range, REG_STARTEND) == 0;
}

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

/* regex(3) lacks some words that older settings files use: \d, \D and (?:...). */
static void step_put_regex(const char *regex, struct text *out)
{
	bool bracket = false;

	for (struct slice rest = slice_of(regex); rest.bytes;) {
		if (slice_eat(&rest, SLICE("\\d"))) {
			text_put(out, bracket ? SLICE("0-9") : SLICE("[0-9]"));
		} else if (!bracket && slice_eat(&rest, SLICE("\\D"))) {
			text_put(out, SLICE("[^0-9]"));
		} else if (!bracket && slice_eat(&rest, SLICE("(?:"))) {
			text_putc(out, '(');
		} else if (!bracket && rest.at[0] == '\\' && rest.bytes > 1) {
			text_put(out, slice_first(rest, 2));
			rest = slice_skip(rest, 2);
		} else {
			bracket = rest.at[0] == '[' || (bracket && rest.at[0] != ']');
			text_putc(out, rest.at[0]);
			rest = slice_skip(rest, 1);
		}
	}
}

static int step_regex_check(struct step_settings *settings, struct error *err)
{
	for (size_t n = 0; n < settings->pattern_count; n++) {
		struct step_pattern *pattern = &settings->patterns[n];
		auto_text struct text regex = { 0 };
		char words[160];
		int r;

		if (!pattern->key || !pattern->regex)
			return error_say(err, EINVAL,
					 "pattern %zu needs 'key', 'regex' and 'replace_with'",
					 n + 1);
		step_put_regex(pattern->regex, &regex);
		r = regcomp(&pattern->compiled, text_str(&regex), REG_EXTENDED);
		if (r == 0)
			continue;
		regerror(r, &pattern->compiled, words, sizeof(words));
		regfree(&pattern->compiled);
		memset(&pattern->compiled, 0, sizeof(pattern->compiled));
		return error_say(err, EINVAL, "'regex' is '%s': %s", pattern->regex, words);
	}
	return settings->pattern_count ? 0 : error_say(err, EINVAL, "'patterns' is missing");
}

const struct step_kind step_regex = {
	.name = "Regex",
	.help = "replaces values that a pattern fits",
	.about_tags = true,
	.changes = true,
	.check = step_regex_check,
	.take = step_regex_take,
};
