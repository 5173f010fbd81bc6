/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detector - one idea of what a run of crashes may mean.
 *
 * A detector looks at a program's history and judges: nothing, or a verdict. It keeps nothing of
 * its own; raising, repeating and resolving is the same for all (detect/detect). The order of the
 * table is that of their weight: a weaker one is silent where a stronger one has spoken.
 */
#ifndef DETECT_DETECTOR_H
#define DETECT_DETECTOR_H

#include "base/json.h"
#include "detect/program.h"

enum detector_id {
	DETECTOR_canary,
	DETECTOR_probe,
	DETECTOR_cluster,
	DETECTOR_loop,
	DETECTOR_rate,
	DETECTOR_COUNT
};
_Static_assert(DETECTOR_COUNT == PROGRAM_CASES, "a program has one case for each detector");

struct verdict {
	unsigned int score;		   /* 0 to 100 */
	uint64_t count;			   /* crashes behind it, estimates included */
	uint64_t first_ns;		   /* the first of them; the last one is now */
	const char *register_name;	   /* NULL, or whose values move */
	const struct place *place;	   /* NULL, or where */
	char reason[PROGRAM_REASON_BYTES]; /* a sentence */
};

/* What a detector is asked about. */
struct question {
	const struct program *program;
	const struct detect_settings *settings;
	const struct program_case *open; /* the case that is open already, or NULL */
	uint64_t now_ns, since_ns;	 /* what was seen at since_ns or before does not count */
	struct text *values; /* where what the crashes have in common goes as JSON, or NULL */
};

struct detector {
	enum event_kind kind;
	const char *technique_id, *technique_name; /* MITRE ATT&CK; NULL: none */
	/* Fills the verdict (zeroed) and returns true where its idea holds. */
	bool (*judge)(const struct question *question, struct verdict *verdict);
	/* Takes out of the history what the settled case was made of; NULL: its times tell. */
	void (*settle)(struct program *program);
};

extern const struct detector detector_canary, detector_probe, detector_cluster, detector_loop,
	detector_rate;
extern const struct detector *const detectors[DETECTOR_COUNT];

/* Whether a stronger detector than this one has an open case. */
bool detector_is_outdone(const struct question *question, enum detector_id id);

/* What an open case knows already is no less true for being out of the window. */
void detector_widen(const struct question *question, struct verdict *verdict);

/* A score that grows from `base` by `each` for each of `more`, up to `most`. */
unsigned int detector_score(unsigned int base, uint64_t more, unsigned int each, unsigned int most);

/* "victim+0x1342", or "system call 59". */
#define DETECTOR_PLACE_ROOM (SKETCH_MODULE_BYTES + 32)
const char *detector_place(const struct place *place, char room[DETECTOR_PLACE_ROOM]);

/* "12 s", "3 min": how long something took. */
#define DETECTOR_SPAN_ROOM 32
const char *detector_span(uint64_t ns, char room[DETECTOR_SPAN_ROOM]);

#endif
