/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary - the children of a forking server crash one after the other: somebody finds the stack's
 * canary, and then the return address behind it, byte by byte.
 *
 * A child has its parent's canary and its parent's layout of addresses; each wrong byte costs one
 * child, each right one none. glibc's check ends in SIGABRT, of which the kernel log says nothing
 * unless kernel.print-fatal-signals is set: what remains is that children of one parent keep
 * ending by it, which the exit of a process tells, and nobody holds back.
 */
#include "detect/detector.h"

#define CANARY_WILD	 3  /* jumps to nowhere */
#define CANARY_BYTE	 6  /* addresses that differ in one byte */
#define CANARY_BYTE_SURE 8  /* the same, of jumps alone: enough without a family */
#define CANARY_BURST	 8  /* crashes within canary_window, when little else is known */
#define CANARY_ADDRESSES 3  /* distinct faults that no one bug explains */
#define CANARY_SHOWN	 16 /* jumps in the summary */

/* What there is to see, for one family. */
struct canary {
	const struct family *family; /* NULL: none that forks */
	uint64_t crashes, aborts, slow_aborts;
	size_t places, addresses, wild_count;
	struct value wild[SKETCH_VALUES];
	size_t in_one_byte, wild_in_one_byte;
	unsigned int byte; /* the guessed one, 0 = lowest */
};

/* What the program as a whole shows. */
static void canary_look(const struct question *question, struct canary *canary)
{
	const struct program *program = question->program;
	const struct place *places[SKETCH_PLACES];
	struct value addresses[SKETCH_VALUES];
	unsigned int byte = 0;

	*canary = (struct canary){ 0 };
	canary->places = places_live(&program->places, question->since_ns, places);
	canary->addresses =
		values_live(program->values[VALUE_address], question->since_ns, addresses);
	canary->in_one_byte = values_in_one_byte(addresses, canary->addresses, &canary->byte);
	canary->wild_count =
		values_live(program->values[VALUE_wild], question->since_ns, canary->wild);
	canary->wild_in_one_byte = values_in_one_byte(canary->wild, canary->wild_count, &byte);
	if (canary->wild_in_one_byte < canary->in_one_byte)
		return;
	canary->in_one_byte = canary->wild_in_one_byte;
	canary->byte = byte;
}

static void canary_look_at_family(const struct question *question, const struct family *family,
				  struct canary *canary)
{
	const struct detect_settings *settings = question->settings;

	canary->family = family;
	canary->crashes = pace_sum(&family->crashes, settings->canary_window_ns, question->now_ns);
	canary->aborts = pace_sum(&family->aborts, settings->canary_window_ns, question->now_ns);
	canary->slow_aborts = pace_sum(&family->slow_aborts, settings->window_ns, question->now_ns);
}

/* Whether the crashes are of more than one kind: no one bug does that. */
static bool canary_is_mixed(const struct canary *canary)
{
	return (canary->aborts && canary->crashes > canary->aborts) ||
	       canary->wild_count >= CANARY_WILD || canary->in_one_byte >= CANARY_BYTE;
}

/* The score, 0 for nothing: that of the strongest of four signs. */
static unsigned int canary_weigh(const struct canary *canary,
				 const struct detect_settings *settings)
{
	uint64_t least = settings->canary_crashes;
	unsigned int score = 0;

	if (canary->family &&
	    (canary->aborts >= least || (canary->crashes >= least && canary_is_mixed(canary))))
		score = detector_score(60, canary->crashes / least - 1, 5, 95);
	else if (canary->wild_in_one_byte >= CANARY_BYTE_SURE)
		score = 60;
	else if (canary->family && canary->slow_aborts >= settings->canary_slow_crashes)
		score = 50;
	/* The kernel prints ten lines in five seconds: these may be all of thousands. */
	else if (canary->family && canary->crashes >= CANARY_BURST && canary->places > 1 &&
		 canary->addresses >= CANARY_ADDRESSES)
		score = 45;
	if (score == 0)
		return 0;
	score += canary->wild_count >= CANARY_WILD ? 10 : 0;
	score += canary->in_one_byte >= CANARY_BYTE ? 15 : 0;
	return score < 100 ? score : 100;
}

static void canary_put_number(struct json *json, struct slice key, uint64_t number)
{
	json_key(json, key);
	json_u64(json, number);
}

static void canary_put_values(const struct question *question, const struct canary *canary,
			      uint64_t crashes)
{
	struct json json = { .out = question->values };
	char room[24];

	json_open(&json, '{');
	if (canary->family && canary->family->ppid)
		canary_put_number(&json, SLICE("parent_pid"), canary->family->ppid);
	canary_put_number(&json, SLICE("crashes"), crashes);
	canary_put_number(&json, SLICE("aborts"), canary->slow_aborts);
	if (canary->in_one_byte >= CANARY_BYTE)
		canary_put_number(&json, SLICE("guessed_byte"), canary->byte);
	json_key(&json, SLICE("jumps"));
	json_open(&json, '[');
	for (size_t n = 0; n < canary->wild_count && n < CANARY_SHOWN; n++) {
		snprintf(room, sizeof(room), "0x%llx", (unsigned long long)canary->wild[n].value);
		json_text(&json, slice_of(room));
	}
	json_close(&json, ']');
	json_close(&json, '}');
}

/* Until the latest crash, which may be a while ago when it is told. */
static uint64_t canary_span(const struct program *program, const struct verdict *verdict)
{
	return program->latest_ns > verdict->first_ns ? program->latest_ns - verdict->first_ns : 0;
}

static void canary_tell(const struct question *question, const struct canary *canary,
			struct verdict *verdict)
{
	char title[192], span[DETECTOR_SPAN_ROOM];

	program_title(question->program, title, sizeof(title));
	detector_span(canary_span(question->program, verdict), span);
	if (canary->slow_aborts)
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%llu forked children of %s crashed within %s, %llu of them aborted: "
			 "somebody guesses the stack's canary byte by byte",
			 (unsigned long long)verdict->count, title, span,
			 (unsigned long long)canary->slow_aborts);
	else
		snprintf(verdict->reason, sizeof(verdict->reason),
			 "%llu crashes of %s within %s, %zu of them jumps to nowhere: somebody "
			 "guesses a return address byte by byte",
			 (unsigned long long)verdict->count, title, span, canary->wild_count);
	if (question->values)
		canary_put_values(question, canary, verdict->count);
}

static void canary_count(const struct question *question, const struct canary *canary,
			 struct verdict *verdict)
{
	const struct family *family = canary->family;

	verdict->count = canary->wild_count;
	verdict->first_ns = question->now_ns;
	for (size_t n = 0; n < canary->wild_count; n++)
		if (canary->wild[n].first_ns < verdict->first_ns)
			verdict->first_ns = canary->wild[n].first_ns;
	if (family) {
		verdict->count = canary->slow_aborts > canary->crashes ? canary->slow_aborts
								       : canary->crashes;
		verdict->first_ns = family->first_ns;
	}
	detector_widen(question, verdict);
}

static bool canary_judge(const struct question *question, struct verdict *verdict)
{
	struct canary seen, best;

	canary_look(question, &seen);
	best = seen;
	verdict->score = canary_weigh(&seen, question->settings);
	for (size_t n = 0; n < PROGRAM_FAMILIES; n++) {
		const struct family *family = &question->program->families[n];
		unsigned int score;

		if (!family->forked || family->last_ns <= question->since_ns)
			continue;
		canary_look_at_family(question, family, &seen);
		score = canary_weigh(&seen, question->settings);
		if (score < verdict->score)
			continue;
		verdict->score = score;
		best = seen;
	}
	if (!verdict->score)
		return false;
	canary_count(question, &best, verdict);
	canary_tell(question, &best, verdict);
	return true;
}

static void canary_settle(struct program *program)
{
	memset(program->families, 0, sizeof(program->families));
}

const struct detector detector_canary = {
	.kind = EVENT_canary_probe,
	.technique_id = "T1190",
	.technique_name = "Exploit Public-Facing Application",
	.judge = canary_judge,
	.settle = canary_settle,
};
