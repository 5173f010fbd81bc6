/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster - a program crashes in many places: somebody feels their way through its code, or through
 * the system calls that its filter lets pass.
 *
 * A bug crashes in one place, or in a few that call each other; a guess lands anywhere. Places are
 * offsets in files, so neither ASLR nor a restart hides that two crashes were in different ones.
 */
#include "detect/detector.h"

#define CLUSTER_SHOWN 16 /* places in the summary */

static void cluster_put_values(const struct question *question, const struct place_run *run)
{
	struct json json = { .out = question->values };
	char room[DETECTOR_PLACE_ROOM];

	json_open(&json, '{');
	json_key(&json, SLICE("distinct"));
	json_u64(&json, run->count);
	json_key(&json, SLICE("places"));
	json_open(&json, '[');
	for (size_t n = 0; n < run->count && n < CLUSTER_SHOWN; n++) {
		json_open(&json, '{');
		json_key(&json, SLICE("place"));
		json_text(&json, slice_of(detector_place(run->at[n], room)));
		json_key(&json, SLICE("crashes"));
		json_u64(&json, run->at[n]->count);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
}

static void cluster_tell(const struct question *question, struct verdict *verdict,
			 const struct place_run *run, bool near)
{
	const struct place *first = run->at[0], *last = run->at[run->count - 1];
	char title[192], room[DETECTOR_PLACE_ROOM];

	program_title(question->program, title, sizeof(title));
	if (first->kind == PLACE_system_call && last->kind == PLACE_system_call)
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "seccomp ended %s at %zu different system calls: somebody tries which "
			 "ones pass",
			 title, run->count);
	else if (near)
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%s crashed in %zu places within %llu bytes from %s on: somebody feels "
			 "their way",
			 title, run->count, (unsigned long long)(last->offset - first->offset),
			 detector_place(first, room));
	else
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%s crashed in %zu different places: somebody feels their way", title,
			 run->count);
	if (question->values)
		cluster_put_values(question, run);
}

static void cluster_sum(const struct place_run *run, struct verdict *verdict)
{
	verdict->first_ns = UINT64_MAX;
	for (size_t n = 0; n < run->count; n++) {
		const struct place *place = run->at[n];

		verdict->count += place->count;
		if (place->first_ns < verdict->first_ns)
			verdict->first_ns = place->first_ns;
		if (!verdict->place || place->last_ns > verdict->place->last_ns)
			verdict->place = place;
	}
}

static bool cluster_judge(const struct question *question, struct verdict *verdict)
{
	const struct detect_settings *settings = question->settings;
	const struct place *live[SKETCH_PLACES];
	size_t count = places_live(&question->program->places, question->since_ns, live);
	struct place_run run = places_near(live, count, settings->cluster_near_bytes);
	bool near = run.count >= settings->cluster_near_places;

	if (!near && count < settings->cluster_places)
		return false;
	verdict->score = near ? detector_score(60, run.count - settings->cluster_near_places, 4, 95)
			      : detector_score(55, count - settings->cluster_places, 3, 90);
	if (!near)
		run = (struct place_run){ live, count };
	cluster_sum(&run, verdict);
	cluster_tell(question, verdict, &run, near);
	return true;
}

const struct detector detector_cluster = {
	.kind = EVENT_crash_cluster,
	.technique_id = "T1190",
	.technique_name = "Exploit Public-Facing Application",
	.judge = cluster_judge,
};
