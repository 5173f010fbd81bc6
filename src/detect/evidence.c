/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/evidence.h"

#include "base/json.h"
#include "detect/timeline.h"

#define EVIDENCE_EVENT_BYTES 16384 /* one longer is left out */
#define EVIDENCE_ARRAY_BYTES 65536 /* of a detection's events */

struct evidence_item {
	struct list node;
	const struct program *program;
	uint64_t at_ns;
	size_t bytes;
	char json[];
};

void evidence_init(struct evidence *evidence)
{
	list_init(&evidence->all);
	evidence->count = 0;
}

static void evidence_drop(struct evidence *evidence, struct evidence_item *item)
{
	list_remove(&item->node);
	free(item);
	evidence->count--;
}

void evidence_done(struct evidence *evidence)
{
	struct evidence_item *item;

	while (evidence->all.next &&
	       (item = list_first(&evidence->all, struct evidence_item, node)))
		evidence_drop(evidence, item);
}

static void evidence_make_room(struct evidence *evidence, uint64_t at_ns,
			       const struct detect_settings *settings)
{
	uint64_t oldest_ns = timeline_since(at_ns, settings->event_lifetime_ns);
	struct evidence_item *item;

	while ((item = list_first(&evidence->all, struct evidence_item, node)) &&
	       item->at_ns < oldest_ns)
		evidence_drop(evidence, item);
	if (evidence->count < settings->max_event_count)
		return;
	for (uint64_t n = 0; n < settings->event_drop_count; n++) {
		item = list_first(&evidence->all, struct evidence_item, node);
		if (!item)
			return;
		evidence_drop(evidence, item);
		evidence->dropped.value++;
	}
}

void evidence_add(struct evidence *evidence, const struct program *program,
		  const struct event *event, const struct event_origin *origin, uint64_t at_ns,
		  const struct detect_settings *settings)
{
	auto_text struct text text = { 0 };
	struct evidence_item *item = NULL;

	event_put_json(event, origin, &text);
	if (!text.failed && text.bytes <= EVIDENCE_EVENT_BYTES)
		item = malloc(sizeof(*item) + text.bytes);
	if (!item) {
		evidence->dropped.value++;
		return;
	}
	evidence_make_room(evidence, at_ns, settings);
	item->program = program;
	item->at_ns = at_ns;
	item->bytes = text.bytes;
	memcpy(item->json, text.at, text.bytes);
	list_append(&evidence->all, &item->node);
	evidence->count++;
}

void evidence_put(const struct evidence *evidence, const struct program *program, uint64_t now_ns,
		  const struct detect_settings *settings, struct text *out)
{
	uint64_t oldest_ns = timeline_since(now_ns, settings->event_lifetime_ns);
	struct json json = { .out = out };
	struct evidence_item *item;

	json_open(&json, '[');
	list_each(&evidence->all, item, node)
		if (item->program == program && item->at_ns >= oldest_ns &&
		    out->bytes + item->bytes < EVIDENCE_ARRAY_BYTES)
			json_raw(&json, (struct slice){ item->json, item->bytes });
	json_close(&json, ']');
}

void evidence_forget(struct evidence *evidence, const struct program *program)
{
	struct evidence_item *item;
	struct list kept;

	list_init(&kept);
	while ((item = list_first(&evidence->all, struct evidence_item, node))) {
		if (item->program == program) {
			evidence_drop(evidence, item);
			continue;
		}
		list_remove(&item->node);
		list_append(&kept, &item->node);
	}
	list_drain(&kept, item, node) list_append(&evidence->all, &item->node);
}
