/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe - from crash to crash a register moves in small steps: somebody tries values one by one.
 *
 * All distinct values of the window are looked at together, so neither crashes in between nor
 * repeated ones break a row. The instruction pointer is taken as an offset in its file.
 */
#include "detect/detector.h"

#define PROBE_SHOWN 32 /* values in the summary */
#define PROBE_SURE  45 /* below this score it may well be a bug */

/* A row of steps: of places, or of a register's values. */
struct probe {
	const struct place *places[SKETCH_PLACES];
	struct value values[SKETCH_VALUES];
	struct place_run place_run;
	struct value_run value_run;
	struct verdict verdict;
};

/* A member of the row, for people. */
static void probe_value(const struct probe *probe, size_t n, char room[DETECTOR_PLACE_ROOM])
{
	if (probe->place_run.count)
		detector_place(probe->place_run.at[n], room);
	else
		snprintf(room, DETECTOR_PLACE_ROOM, "0x%llx",
			 (unsigned long long)probe->value_run.at[n].value);
}

static void probe_tell(const struct question *question, const struct probe *probe,
		       struct verdict *verdict)
{
	size_t count = probe->place_run.count + probe->value_run.count;
	struct json json = { .out = question->values };
	char title[192], room[DETECTOR_PLACE_ROOM];

	probe_value(probe, 0, room);
	snprintf(verdict->reason, sizeof(verdict->reason),
		 "from crash to crash of %s, %s took %zu values in small steps from %s on: %s",
		 program_title(question->program, title, sizeof(title)), verdict->register_name,
		 count, room,
		 verdict->score < PROBE_SURE
			 ? "one bug that shows in two ways, or somebody tries them one by one"
			 : "somebody tries them one by one");
	if (!question->values)
		return;
	json_open(&json, '[');
	for (size_t n = 0; n < count && n < PROBE_SHOWN; n++) {
		probe_value(probe, n, room);
		json_text(&json, slice_of(room));
	}
	json_close(&json, ']');
}

static uint64_t probe_earlier(uint64_t one_ns, uint64_t other_ns)
{
	return one_ns < other_ns ? one_ns : other_ns;
}

/* Offsets in one file. Two next to each other may be one bug's two faces, hence the low score. */
static bool probe_find_places(const struct question *question, struct probe *probe)
{
	const struct detect_settings *settings = question->settings;
	struct verdict *verdict = &probe->verdict;
	size_t live = places_live(&question->program->places, question->since_ns, probe->places);

	probe->place_run = places_stepping(probe->places, live, settings->probe_ip_bytes);
	if (probe->place_run.count < settings->probe_ip_values)
		return false;
	*verdict = (struct verdict){
		.register_name = "ip",
		.first_ns = UINT64_MAX,
		.score = detector_score(30, probe->place_run.count - settings->probe_ip_values, 10,
					90),
	};
	for (size_t n = 0; n < probe->place_run.count; n++) {
		const struct place *place = probe->place_run.at[n];

		verdict->count += place->count;
		verdict->first_ns = probe_earlier(verdict->first_ns, place->first_ns);
	}
	return true;
}

static bool probe_find_values(const struct question *question, enum crash_value_id id,
			      struct probe *probe)
{
	const struct crash_value_row *row = &crash_values[id];
	const struct detect_settings *settings = question->settings;
	bool wild = id == VALUE_wild;
	uint64_t least = wild ? settings->probe_ip_values : settings->probe_values;
	struct value_run *run = &probe->value_run;

	if (!row->step && !row->small_step)
		return false;
	*run = values_stepping(
		probe->values,
		values_live(question->program->values[id], question->since_ns, probe->values), row);
	if (run->count < least)
		return false;
	probe->verdict = (struct verdict){
		.register_name = row->names[run->at[0].name],
		.count = run->count,
		.first_ns = UINT64_MAX,
		.score = detector_score(wild ? 40 : 60, run->count - least, wild ? 10 : 3, 95),
	};
	for (size_t n = 0; n < run->count; n++)
		probe->verdict.first_ns =
			probe_earlier(probe->verdict.first_ns, run->at[n].first_ns);
	return true;
}

/* The register with the strongest row speaks. */
static bool probe_judge(const struct question *question, struct verdict *verdict)
{
	struct probe probe;

	for (size_t id = 0; id <= VALUE_COUNT; id++) {
		probe.place_run.count = probe.value_run.count = 0;
		if (!(id == VALUE_COUNT
			      ? probe_find_places(question, &probe)
			      : probe_find_values(question, (enum crash_value_id)id, &probe)) ||
		    probe.verdict.score <= verdict->score)
			continue;
		*verdict = probe.verdict;
		if (question->values)
			text_clear(question->values);
		probe_tell(question, &probe, verdict);
	}
	return verdict->score > 0;
}

const struct detector detector_probe = {
	.kind = EVENT_register_probe,
	.technique_id = "T1190",
	.technique_name = "Exploit Public-Facing Application",
	.judge = probe_judge,
};
