/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detector.h"

const struct detector *const detectors[DETECTOR_COUNT] = {
	[DETECTOR_canary] = &detector_canary,	[DETECTOR_probe] = &detector_probe,
	[DETECTOR_cluster] = &detector_cluster, [DETECTOR_loop] = &detector_loop,
	[DETECTOR_rate] = &detector_rate,
};

bool detector_is_outdone(const struct question *question, enum detector_id id)
{
	for (size_t n = 0; n < id; n++)
		if (question->program->cases[n].open)
			return true;
	return false;
}

void detector_widen(const struct question *question, struct verdict *verdict)
{
	if (!question->open)
		return;
	if (question->open->count > verdict->count)
		verdict->count = question->open->count;
	if (question->open->first_ns < verdict->first_ns)
		verdict->first_ns = question->open->first_ns;
}

unsigned int detector_score(unsigned int base, uint64_t more, unsigned int each, unsigned int most)
{
	uint64_t score = base + (more < 100 ? more : 100) * each;

	return score < most ? (unsigned int)score : most;
}

const char *detector_place(const struct place *place, char room[DETECTOR_PLACE_ROOM])
{
	unsigned long long offset = place->offset;

	if (place->kind == PLACE_code)
		snprintf(room, DETECTOR_PLACE_ROOM, "%s+0x%llx", place->module, offset);
	else
		snprintf(room, DETECTOR_PLACE_ROOM,
			 place->kind == PLACE_null ? "a call to 0x%llx" : "system call %llu",
			 offset);
	return room;
}

const char *detector_span(uint64_t ns, char room[DETECTOR_SPAN_ROOM])
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = {
		{ 3600 * NS_PER_S, "h" },
		{ 60 * NS_PER_S, "min" },
		{ NS_PER_S, "s" },
		{ NS_PER_MS, "ms" },
	};
	size_t n = 0;

	/* Twice the unit or more, so that rounding says little wrong. */
	while (n < array_count(units) - 1 && ns < 2 * units[n].ns)
		n++;
	snprintf(room, DETECTOR_SPAN_ROOM, "%llu %s",
		 (unsigned long long)((ns + units[n].ns / 2) / units[n].ns), units[n].name);
	return room;
}
