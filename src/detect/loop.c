/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop - a program crashes in one place again and again: a plain bug.
 *
 * Said so that the same crashes need not be taken for something worse, and because somebody
 * should know. Silent where a stronger detector has spoken.
 */
#include <signal.h>

#include "detect/detector.h"

static uint64_t loop_count(const struct question *question, const struct place *place)
{
	const struct program *program = question->program;
	uint64_t window_ns = question->settings->window_ns;

	return (place ? place->count : 0) +
	       pace_sum(&program->unplaced, window_ns, question->now_ns) +
	       pace_sum(&program->held_back, window_ns, question->now_ns);
}

static void loop_tell(const struct question *question, struct verdict *verdict)
{
	char title[192], room[DETECTOR_PLACE_ROOM];
	int signo = 0;

	for (size_t n = 0; n < array_count(question->program->signals); n++)
		if (question->program->signals[n] > question->since_ns)
			signo = (int)n;
	program_title(question->program, title, sizeof(title));
	if (verdict->place)
		snprintf(verdict->reason, sizeof(verdict->reason), "%s crashed %llu times at %s",
			 title, (unsigned long long)verdict->count,
			 detector_place(verdict->place, room));
	else
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%s ended %llu times by SIG%s; where is not known", title,
			 (unsigned long long)verdict->count, sigabbrev_np(signo));
	if (question->values) {
		struct json json = { .out = question->values };

		json_open(&json, '{');
		json_key(&json, SLICE("crashes"));
		json_u64(&json, verdict->count);
		if (verdict->place) {
			json_key(&json, SLICE("place"));
			json_text(&json, slice_of(room));
		}
		json_close(&json, '}');
	}
}

static bool loop_judge(const struct question *question, struct verdict *verdict)
{
	const struct place *live[SKETCH_PLACES];

	if (detector_is_outdone(question, DETECTOR_loop) ||
	    !program_is_loop(question->program, question->since_ns))
		return false;
	if (places_live(&question->program->places, question->since_ns, live))
		verdict->place = live[0];
	verdict->count = loop_count(question, verdict->place);
	if (verdict->count < question->settings->loop_crashes)
		return false;
	verdict->first_ns =
		verdict->place ? verdict->place->first_ns : question->program->unplaced.start_ns;
	verdict->score = detector_score(15, verdict->count / 50, 1, 30);
	loop_tell(question, verdict);
	return true;
}

static void loop_settle(struct program *program)
{
	for (size_t n = 0; n < program->places.count; n++)
		program->places.at[n].count = 0;
	program->unplaced = program->held_back = (struct pace){ 0 };
}

const struct detector detector_loop = {
	.kind = EVENT_crash_loop,
	.judge = loop_judge,
	.settle = loop_settle,
};
