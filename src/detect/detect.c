/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/detect.h"

#include <errno.h>

#include "base/map.h"
#include "detect/detector.h"
#include "detect/evidence.h"
#include "detect/limit.h"
#include "detect/report.h"
#include "detect/timeline.h"
#include "event/metrics.h"

/* Processes whose crash was told lately; pids are handed out in a row, so they don't collide. */
#define DETECT_SLOTS	  2048
#define DETECT_SAME_NS	  (60 * NS_PER_S) /* a core dump may take long */
#define DETECT_KEY_BYTES  512
#define DETECT_COUNT_MAX  (1u << 30)
#define DETECT_DOUBLINGS  7  /* from 10 seconds to 10 minutes */
#define DETECT_DUMP_LINES 20 /* records of the kernel log that a dump of registers takes */

struct detect_slot {
	uint32_t pid; /* 0 = free */
	unsigned int sources, facts;
	uint64_t at_ns;
	struct program *program;
};

struct detect {
	struct detect_env env;
	struct timeline timeline;
	uint64_t wall_ns; /* of the event or tick at hand */
	struct map programs;
	struct list by_age; /* who crashed longest ago first */
	struct limit limit;
	struct evidence evidence;
	struct text values, events; /* of the detection at hand */
	struct metric raised[DETECTOR_COUNT], evictions, count;
	struct detect_slot slots[DETECT_SLOTS];
};

/* --- telling --- */

static bool detect_shows(const struct detect *detect, enum detect_justification least)
{
	return detect->env.settings->justification >= (int)least;
}

static void detect_tell(struct detect *detect, struct program *program, enum detector_id id,
			const struct place *place, bool resolved)
{
	struct program_case *of = &program->cases[id];
	struct report report = {
		.program = program,
		.detector = detectors[id],
		.of = of,
		.place = place,
		.values = text_slice(&detect->values),
		.wall_ns = detect->wall_ns,
		.resolved = resolved,
	};
	struct event event;

	text_clear(&detect->events);
	if (!resolved && detect_shows(detect, DETECT_JUSTIFY_full)) {
		evidence_put(&detect->evidence, program, detect->timeline.now_ns,
			     detect->env.settings, &detect->events);
		report.events = text_slice(&detect->events);
	}
	report_make(&report, slice_of(detect->env.origin->host), &event);
	of->told_ns = detect->timeline.now_ns;
	of->told++;
	of->grown = false;
	detect->env.out->emit(detect->env.out, &event);
}

/* Writes the verdict into the case, which it opens or widens. */
static void detect_note(struct detect *detect, struct program_case *of,
			const struct verdict *verdict)
{
	if (!of->open)
		*of = (struct program_case){
			.open = true,
			.first_ns = verdict->first_ns,
			.cleared_ns = of->cleared_ns,
		};
	of->grown = true;
	of->seen_ns = detect->timeline.now_ns;
	of->score = verdict->score;
	of->register_name = verdict->register_name;
	if (verdict->count > of->count)
		of->count = verdict->count;
	if (verdict->first_ns < of->first_ns)
		of->first_ns = verdict->first_ns;
	memcpy(of->reason, verdict->reason, sizeof(of->reason));
}

static bool detect_ask(struct detect *detect, const struct program *program, enum detector_id id,
		       struct verdict *verdict)
{
	const struct detect_settings *settings = detect->env.settings;
	const struct program_case *of = &program->cases[id];
	struct question question = {
		.program = program,
		.settings = settings,
		.open = of->open ? of : NULL,
		.now_ns = detect->timeline.now_ns,
		.since_ns = timeline_since(detect->timeline.now_ns, settings->window_ns),
		.values = detect_shows(detect, DETECT_JUSTIFY_summary) ? &detect->values : NULL,
	};

	if (of->cleared_ns > question.since_ns)
		question.since_ns = of->cleared_ns;
	text_clear(&detect->values);
	*verdict = (struct verdict){ 0 };
	return detectors[id]->judge(&question, verdict);
}

/* A case that lasts is told less and less often. */
static bool detect_is_due(const struct detect *detect, const struct program_case *of)
{
	unsigned int doublings = of->told < DETECT_DOUBLINGS ? of->told : DETECT_DOUBLINGS;

	return detect->timeline.now_ns - of->told_ns >= detect->env.settings->collection_timeout_ns
								<< (doublings - 1);
}

/* Something new is known about a program. */
static void detect_judge(struct detect *detect, struct program *program)
{
	for (size_t id = 0; id < DETECTOR_COUNT; id++) {
		struct program_case *of = &program->cases[id];
		bool was_open = of->open;
		struct verdict verdict;

		if (!detect_ask(detect, program, (enum detector_id)id, &verdict))
			continue;
		detect_note(detect, of, &verdict);
		if (!was_open)
			detect->raised[id].value++;
		if (!was_open || detect_is_due(detect, of))
			detect_tell(detect, program, (enum detector_id)id, verdict.place, false);
	}
}

static void detect_resolve(struct detect *detect, struct program *program, enum detector_id id)
{
	struct program_case *of = &program->cases[id];

	text_clear(&detect->values);
	detect_tell(detect, program, id, NULL, true);
	of->open = false;
	of->cleared_ns = detect->timeline.now_ns;
	if (detectors[id]->settle)
		detectors[id]->settle(program);
}

/* --- histories --- */

static struct slice detect_key_of(const void *item)
{
	return ((const struct program *)item)->key;
}

/* Emits what has to be said of a program that will be forgotten, and frees it. */
static void detect_forget(struct detect *detect, struct program *program)
{
	for (size_t id = 0; id < DETECTOR_COUNT; id++)
		if (program->cases[id].open)
			detect_resolve(detect, program, (enum detector_id)id);
	for (size_t n = 0; n < DETECT_SLOTS; n++)
		if (detect->slots[n].program == program)
			detect->slots[n] = (struct detect_slot){ 0 };
	limit_forget(&detect->limit, program);
	evidence_forget(&detect->evidence, program);
	map_take(&detect->programs, program->key);
	program_free(program);
}

static bool detect_is_open(const struct program *program)
{
	for (size_t id = 0; id < DETECTOR_COUNT; id++)
		if (program->cases[id].open)
			return true;
	return false;
}

/* Throws out who crashed longest ago, if possible one about whom nothing is open. */
static void detect_make_room(struct detect *detect)
{
	struct program *program, *oldest = NULL;

	if (detect->programs.count < detect->env.settings->programs)
		return;
	list_each(&detect->by_age, program, node) {
		if (!detect_is_open(program)) {
			oldest = program;
			break;
		}
	}
	if (!oldest)
		oldest = list_first(&detect->by_age, struct program, node);
	detect_forget(detect, oldest);
	detect->evictions.value++;
}

/* NULL when memory is out. */
static struct program *detect_program(struct detect *detect, struct slice key)
{
	struct program *program = map_get(&detect->programs, key);

	if (!program) {
		detect_make_room(detect);
		if (program_new(&program, key, NULL) < 0)
			return NULL;
		if (map_put(&detect->programs, program, NULL) < 0) {
			program_free(program);
			return NULL;
		}
	}
	list_remove(&program->node);
	list_append(&detect->by_age, &program->node);
	detect->count.value = detect->programs.count;
	return program;
}

/* The program of the same owner that is known by its executable and was last seen under this
 * command's name; NULL when there is none. */
static struct program *detect_namesake(const struct detect *detect, const struct event *event,
				       struct slice key)
{
	struct slice owner = slice_first(key, strnlen(key.at, key.bytes) + 1), comm;
	struct program *program;

	list_each(&detect->by_age, program, node) {
		if (!program->latest || !slice_starts(program->key, owner))
			continue;
		comm = event_text_of(program->latest, FIELD_comm);
		if (event_has(program->latest, FIELD_exe) &&
		    slice_eq(comm, event_text_of(event, FIELD_comm)))
			return program;
	}
	return NULL;
}

static struct program *detect_program_of(struct detect *detect, const struct event *event)
{
	char at[DETECT_KEY_BYTES];
	struct slice key = { at, program_key(event, at, sizeof(at)) };
	struct program *namesake = NULL;

	/* A process that was gone before it could be looked at is still one of its program. */
	if (!event_has(event, FIELD_exe) && event_has(event, FIELD_comm))
		namesake = detect_namesake(detect, event, key);
	return detect_program(detect, namesake ? namesake->key : key);
}

/* --- what comes in --- */

/* The slot of the crash that the event tells of; a new one unless another source told it. */
static struct detect_slot *detect_slot_of(struct detect *detect, const struct crash *crash,
					  uint64_t at_ns)
{
	struct detect_slot *slot = &detect->slots[crash->pid % DETECT_SLOTS];
	int64_t apart_ns = (int64_t)(at_ns - slot->at_ns);

	if (crash->pid && slot->pid == crash->pid && !(slot->sources & crash->source) &&
	    apart_ns < (int64_t)DETECT_SAME_NS && apart_ns > -(int64_t)DETECT_SAME_NS)
		return slot;
	*slot = (struct detect_slot){ .pid = crash->pid, .at_ns = at_ns };
	slot->program = detect_program_of(detect, crash->event);
	return slot->program ? slot : NULL;
}

/* No kernel holds back so many; a forged number must not become one that overflows. */
static uint64_t detect_count_of(const struct event *event, enum event_field field)
{
	uint64_t count = event_number_of(event, field);

	return count < DETECT_COUNT_MAX ? count : DETECT_COUNT_MAX;
}

/* What bears on the shares of the lines that the kernel held back. */
static void detect_take_line(struct detect *detect, const struct crash *crash,
			     const struct detect_slot *slot, uint64_t at_ns)
{
	const unsigned int lines = CRASH_trap | CRASH_dump;

	if (slot->sources & lines)
		return;
	if (crash->source & lines)
		limit_line(&detect->limit, slot->program, slot->sources != 0, at_ns);
	else if (!slot->sources)
		limit_unlined(&detect->limit, slot->program);
}

static void detect_count_open(struct program *program, uint64_t count)
{
	for (size_t id = 0; id < DETECTOR_COUNT; id++)
		if (program->cases[id].open)
			program->cases[id].count += count;
}

static void detect_take_crash(struct detect *detect, const struct crash *crash)
{
	const struct detect_settings *settings = detect->env.settings;
	uint64_t at_ns =
		timeline_at(&detect->timeline, crash->event->wall_ns, crash->event->boot_ns);
	struct detect_slot *slot = detect_slot_of(detect, crash, at_ns);
	struct program *program;
	unsigned int fresh;

	if (!slot)
		return;
	program = slot->program;
	fresh = crash->facts & ~slot->facts;
	detect_take_line(detect, crash, slot, at_ns);
	slot->sources |= crash->source;
	slot->facts |= crash->facts;
	if (program_remember(program, crash, at_ns, NULL) < 0)
		return;
	program_take(program, crash, fresh, at_ns, settings);
	if (detect_shows(detect, DETECT_JUSTIFY_full))
		evidence_add(&detect->evidence, program, crash->event, detect->env.origin, at_ns,
			     settings);
	if (fresh & FACT_crash)
		detect_count_open(program, 1);
	detect_judge(detect, program);
}

static void detect_weigh(void *owner, struct program *program, uint64_t count)
{
	struct detect *detect = owner;

	program_weigh(program, count, detect->timeline.now_ns, detect->env.settings);
	detect_count_open(program, count);
	detect_judge(detect, program);
}

static void detect_take_suppressed(struct detect *detect, const struct event *event)
{
	uint64_t nobodys;
	struct program *program;

	if (!limit_prints_crashes(event_text_of(event, FIELD_suppressed_function)))
		return;
	timeline_at(&detect->timeline, event->wall_ns, event->boot_ns);
	nobodys = limit_share_out(&detect->limit, detect_count_of(event, FIELD_suppressed_count),
				  detect_weigh, detect);
	limit_end(&detect->limit);
	program = nobodys ? detect_program(detect, SLICE("")) : NULL;
	if (program)
		detect_weigh(detect, program, nobodys);
}

/* Records were overwritten. If somebody was crashing noisily, they were most likely his. */
static void detect_take_loss(struct detect *detect, const struct event *event)
{
	uint64_t count = detect_count_of(event, FIELD_loss_count) / DETECT_DUMP_LINES;

	if (!slice_is(event_text_of(event, FIELD_loss_place), "/dev/kmsg"))
		return;
	timeline_at(&detect->timeline, event->wall_ns, event->boot_ns);
	limit_share_out(&detect->limit, count, detect_weigh, detect);
}

void detect_take(struct detect *detect, const struct event *event)
{
	struct crash crash;

	detect->wall_ns = event->wall_ns;
	if (event->kind == EVENT_kmsg_suppressed)
		detect_take_suppressed(detect, event);
	else if (event->kind == EVENT_loss)
		detect_take_loss(detect, event);
	else if (crash_read(event, &crash))
		detect_take_crash(detect, &crash);
}

/* --- time passes --- */

/* How much a case has grown since it was told. */
static void detect_tell_growth(struct detect *detect, struct program *program, enum detector_id id)
{
	struct program_case *of = &program->cases[id];
	struct verdict verdict;

	/* What was true when it grew may be out of its window by now; then the count is told. */
	if (detect_ask(detect, program, id, &verdict)) {
		memcpy(of->reason, verdict.reason, sizeof(of->reason));
	} else {
		text_clear(&detect->values);
		verdict.place = NULL;
	}
	detect_tell(detect, program, id, verdict.place, false);
}

static void detect_tick_case(struct detect *detect, struct program *program, enum detector_id id)
{
	struct program_case *of = &program->cases[id];

	if (!of->open)
		return;
	if (detect->timeline.now_ns - of->seen_ns >= detect->env.settings->resolve_ns)
		detect_resolve(detect, program, id);
	else if (of->grown && detect_is_due(detect, of))
		detect_tell_growth(detect, program, id);
}

void detect_tick(struct detect *detect, uint64_t wall_ns)
{
	struct program *program;

	detect->wall_ns = wall_ns;
	timeline_at(&detect->timeline, wall_ns, 0);
	list_each(&detect->by_age, program, node)
		for (size_t id = 0; id < DETECTOR_COUNT; id++)
			detect_tick_case(detect, program, (enum detector_id)id);
}

void detect_end(struct detect *detect)
{
	struct program *program;

	list_each(&detect->by_age, program, node)
		for (size_t id = 0; id < DETECTOR_COUNT; id++)
			if (program->cases[id].open && program->cases[id].grown)
				detect_tell_growth(detect, program, (enum detector_id)id);
}

/* --- life --- */

static void detect_add_metrics(struct detect *detect)
{
	struct metrics *metrics = detect->env.metrics;

	if (!metrics)
		return;
	for (size_t id = 0; id < DETECTOR_COUNT; id++)
		metric_add(metrics, METRIC_detections, &detect->raised[id],
			   event_kinds[detectors[id]->kind].name);
	metric_add(metrics, METRIC_detect_evictions, &detect->evictions, NULL);
	metric_add(metrics, METRIC_detect_programs, &detect->count, NULL);
	metric_add(metrics, METRIC_detect_dropped, &detect->evidence.dropped, NULL);
}

int detect_new(struct detect **ret_detect, const struct detect_env *env, struct error *err)
{
	const char *key;
	int r = detect_settings_check(env->settings, &key, err);
	struct detect *detect;

	if (r < 0)
		return r;
	detect = calloc(1, sizeof(*detect));
	if (!detect)
		return error_errno(err, ENOMEM, "start detection");
	detect->env = *env;
	list_init(&detect->by_age);
	map_init(&detect->programs, detect_key_of);
	evidence_init(&detect->evidence);
	detect_add_metrics(detect);
	*ret_detect = detect;
	return 0;
}

void detect_free(struct detect *detect)
{
	struct program *program;

	if (!detect)
		return;
	for (size_t id = 0; id < DETECTOR_COUNT; id++)
		metric_remove(&detect->raised[id]);
	metric_remove(&detect->evictions);
	metric_remove(&detect->count);
	metric_remove(&detect->evidence.dropped);
	while ((program = list_first(&detect->by_age, struct program, node)))
		program_free(program);
	map_done(&detect->programs);
	evidence_done(&detect->evidence);
	text_done(&detect->values);
	text_done(&detect->events);
	free(detect);
}
