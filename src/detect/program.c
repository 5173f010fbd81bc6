/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/program.h"

#include <errno.h>

#include "detect/timeline.h"

int program_new(struct program **ret_program, struct slice key, struct error *err)
{
	struct program *program = calloc(1, sizeof(*program) + key.bytes);
	char *at = (char *)(program + 1);

	if (!program)
		return error_errno(err, ENOMEM, "keep a history of crashes");
	if (key.bytes)
		memcpy(at, key.at, key.bytes);
	program->key = (struct slice){ at, key.bytes };
	list_init(&program->node);
	*ret_program = program;
	return 0;
}

void program_free(struct program *program)
{
	if (!program)
		return;
	list_remove(&program->node);
	for (size_t id = 0; id < VALUE_COUNT; id++)
		free(program->values[id]);
	free(program->latest);
	free(program);
}

/* --- who --- */

static size_t program_put_key(char *at, size_t used, size_t room, struct slice piece)
{
	piece = slice_first(piece, room - used);
	if (piece.bytes)
		memcpy(at + used, piece.at, piece.bytes);
	return used + piece.bytes;
}

size_t program_key(const struct event *event, char *at, size_t room)
{
	struct slice pod = event_text_of(event, FIELD_pod_uid);
	struct slice name = event_text_of(event, FIELD_exe);
	size_t used = 0;

	/* A pod's container that is started again gets a new id; the pod stays. */
	if (pod.bytes) {
		used = program_put_key(at, used, room, pod);
		used = program_put_key(at, used, room, SLICE("/"));
		used = program_put_key(at, used, room, event_text_of(event, FIELD_pod_container));
	} else {
		used = program_put_key(at, used, room, event_text_of(event, FIELD_container_id));
	}
	used = program_put_key(at, used, room, SLICE("\0"));
	if (!name.bytes)
		name = event_text_of(event, FIELD_comm);
	return program_put_key(at, used, room, name);
}

static const struct {
	enum event_field field;
	const char *before;
} program_owners[] = {
	{ FIELD_pod_name, "pod " },
	{ FIELD_container_name, "container " },
	{ FIELD_container_id, "container " },
};

const char *program_title(const struct program *program, char *room, size_t bytes)
{
	struct slice name;
	int used;

	if (!program->latest)
		return "programs that the kernel log does not name";
	name = event_text_of(program->latest, FIELD_exe);
	if (!name.bytes)
		name = event_text_of(program->latest, FIELD_comm);
	name = slice_skip(name, (size_t)(slice_find_last(name, SLICE("/")) + 1));
	used = snprintf(room, bytes, "%.*s", SLICE_ARG(slice_first(name, 64)));
	for (size_t n = 0; n < array_count(program_owners); n++) {
		struct slice owner = event_text_of(program->latest, program_owners[n].field);

		if (!owner.bytes)
			continue;
		snprintf(room + used, bytes - (size_t)used, " in %s%.*s", program_owners[n].before,
			 SLICE_ARG(slice_first(owner, 64)));
		break;
	}
	return room;
}

/* The fields of a crash that its detection has, too; the place comes from the sketch. */
static bool program_keeps(enum event_field field)
{
	return event_kind_has(EVENT_register_probe, field) || field == FIELD_trap ||
	       field == FIELD_signal;
}

int program_remember(struct program *program, const struct crash *crash, uint64_t at_ns,
		     struct error *err)
{
	const struct event *event = crash->event;
	struct event brief, *kept;

	program->latest_ns = at_ns;
	program->latest_wall_ns = event->wall_ns;
	program->latest_boot_ns = event->boot_ns;
	/* A fuller picture of it is not given up for one that lacks the executable. */
	if (program->latest && event_has(program->latest, FIELD_exe) &&
	    !event_has(event, FIELD_exe))
		return 0;
	event_init(&brief, EVENT_crash_loop, event->wall_ns, event->boot_ns);
	for (size_t n = 0; n < event->count; n++)
		if (program_keeps(event->values[n].field))
			event_value(&brief, &event->values[n]);
	kept = event_dup(&brief);
	if (!kept)
		return error_errno(err, ENOMEM, "keep who crashed");
	free(program->latest);
	program->latest = kept;
	return 0;
}

/* --- how often --- */

static struct family *program_family(struct program *program, uint32_t ppid, uint64_t since_ns)
{
	struct family *oldest = program->families;

	for (size_t n = 0; n < PROGRAM_FAMILIES; n++) {
		struct family *family = &program->families[n];

		if (family->ppid == ppid && family->last_ns > since_ns)
			return family;
		if (family->last_ns < oldest->last_ns)
			oldest = family;
	}
	*oldest = (struct family){ .ppid = ppid };
	return oldest;
}

/* Two processes that stand at the same random addresses come from one exec. */
static void family_take_layout(struct family *family, const struct crash *crash)
{
	struct layout *layout;

	for (size_t n = 0; n < FAMILY_LAYOUTS; n++) {
		layout = &family->layouts[n];
		if (layout->start != crash->layout_start ||
		    !slice_is(slice_first(crash->layout, sizeof(layout->name) - 1), layout->name))
			continue;
		family->forked |= layout->pid != crash->pid;
		return;
	}
	layout = &family->layouts[family->next_layout++ % FAMILY_LAYOUTS];
	slice_copy(crash->layout, layout->name, sizeof(layout->name));
	layout->start = crash->layout_start;
	layout->pid = crash->pid;
}

static void family_take(struct family *family, const struct crash *crash, unsigned int fresh,
			uint64_t at_ns, const struct detect_settings *settings)
{
	if (!family->first_ns)
		family->first_ns = at_ns;
	if (at_ns > family->last_ns)
		family->last_ns = at_ns;
	family->forked |= crash->forked;
	if (crash->layout_start)
		family_take_layout(family, crash);
	if (fresh & FACT_crash)
		pace_add(&family->crashes, settings->canary_window_ns, at_ns, 1);
	if (fresh & FACT_abort) {
		pace_add(&family->aborts, settings->canary_window_ns, at_ns, 1);
		pace_add(&family->slow_aborts, settings->window_ns, at_ns, 1);
	}
}

static void program_take_value(struct program *program, const struct crash *crash,
			       enum crash_value_id id, uint64_t at_ns, uint64_t since_ns)
{
	struct value value = {
		.value = crash->values[id],
		.last_ns = at_ns,
		.pid = crash->pid,
		.name = crash->names[id],
	};

	if (!program->values[id])
		program->values[id] = calloc(1, sizeof(*program->values[id]));
	/* Without memory a value goes unseen; the crash still counts. */
	if (program->values[id])
		values_add(program->values[id], &value, since_ns);
}

void program_take(struct program *program, const struct crash *crash, unsigned int fresh,
		  uint64_t at_ns, const struct detect_settings *settings)
{
	uint64_t since_ns = timeline_since(at_ns, settings->window_ns);

	if (crash->signo)
		program->signals[crash->signo] = at_ns;
	if (fresh & FACT_crash) {
		rate_add(&program->rate, at_ns, 1, settings);
		pace_add(&program->unplaced, settings->window_ns, at_ns, 1);
	}
	if (fresh & FACT_place) {
		places_add(&program->places, &crash->place, at_ns, since_ns);
		pace_take(&program->unplaced);
	}
	family_take(program_family(program, crash->ppid, since_ns), crash, fresh, at_ns, settings);
	for (size_t id = 0; id < VALUE_COUNT; id++)
		if (crash->has >> id & 1)
			program_take_value(program, crash, (enum crash_value_id)id, at_ns,
					   since_ns);
}

void program_weigh(struct program *program, uint64_t count, uint64_t at_ns,
		   const struct detect_settings *settings)
{
	struct family *latest = program->families;

	rate_add(&program->rate, at_ns, count, settings);
	pace_add(&program->held_back, settings->window_ns, at_ns, count);
	for (size_t n = 1; n < PROGRAM_FAMILIES; n++)
		if (program->families[n].last_ns > latest->last_ns)
			latest = &program->families[n];
	if (latest->last_ns > timeline_since(at_ns, settings->canary_window_ns))
		pace_add(&latest->crashes, settings->canary_window_ns, at_ns, count);
}

bool program_is_loop(const struct program *program, uint64_t since_ns)
{
	const struct place *places[SKETCH_PLACES];
	struct value wild[SKETCH_VALUES];
	size_t signals = 0, place_count = places_live(&program->places, since_ns, places);

	for (size_t n = 0; n < array_count(program->signals); n++)
		signals += program->signals[n] > since_ns;
	if (signals > 1 || place_count > 1 ||
	    values_live(program->values[VALUE_wild], since_ns, wild))
		return false;
	if (place_count == 1)
		return true;
	/* No place is known. A server's children may well have been killed in many. */
	for (size_t n = 0; n < PROGRAM_FAMILIES; n++)
		if (program->families[n].forked && program->families[n].last_ns > since_ns)
			return false;
	return signals == 1;
}
