/* SPDX-License-Identifier: Apache-2.0 */
#include "detect/report.h"

#include "base/map.h"

/* A score this low or lower is at most a ... */
static const struct {
	unsigned int score;
	enum event_severity severity;
} report_severities[] = {
	{ 39, SEVERITY_warning },
	{ 54, SEVERITY_error },
};

static enum event_severity report_severity(enum event_kind kind, unsigned int score)
{
	enum event_severity severity = event_kinds[kind].severity;

	for (size_t n = 0; n < array_count(report_severities); n++)
		if (score <= report_severities[n].score && severity > report_severities[n].severity)
			return report_severities[n].severity;
	return severity;
}

/* The same on every machine and after every start, so the seed is fixed. */
static void report_put_key(const struct report *report, struct slice host, struct event *event)
{
	static const uint64_t seed[2] = { 0x62756c7761726b21, 0x6465746563742121 };
	const char *kind = event_kinds[report->detector->kind].name;
	auto_text struct text text = { 0 };

	text_put(&text, host);
	text_putc(&text, '\0');
	text_put(&text, slice_of(kind));
	text_putc(&text, '\0');
	text_put(&text, report->program->key);
	event_printf(event, FIELD_detection_key, "%016llx",
		     (unsigned long long)map_siphash(seed, text_slice(&text)));
}

static void report_put_technique(const struct detector *detector, struct event *event)
{
	if (!detector->technique_id)
		return;
	event_text(event, FIELD_technique_id, slice_of(detector->technique_id));
	event_text(event, FIELD_technique_name, slice_of(detector->technique_name));
}

static void report_put_place(const struct place *place, struct event *event)
{
	if (!place || place->kind != PLACE_code || !event_kind_has(event->kind, FIELD_module))
		return;
	event_text(event, FIELD_module, slice_of(place->module));
	event_number(event, FIELD_module_offset, place->offset);
}

static void report_put_json(struct event *event, enum event_field field, struct slice json)
{
	if (json.bytes)
		event_text(event, field, json);
}

void report_make(const struct report *report, struct slice host, struct event *event)
{
	const struct program_case *of = report->of;
	const struct event *latest = report->program->latest;

	event_init(event, report->detector->kind, report->wall_ns, report->program->latest_boot_ns);
	event->severity = report_severity(event->kind, of->score);
	event_number(event, FIELD_detection_score, of->score);
	event_text(event, FIELD_detection_reason, slice_of(of->reason));
	if (of->register_name && event_kind_has(event->kind, FIELD_detection_register))
		event_text(event, FIELD_detection_register, slice_of(of->register_name));
	report_put_key(report, host, event);
	event_text(event, FIELD_detection_state,
		   report->resolved ? SLICE("resolved") : SLICE("raised"));
	event_number(event, FIELD_detection_count, of->count);
	event_number(event, FIELD_detection_span, of->seen_ns - of->first_ns);
	report_put_json(event, FIELD_detection_values, report->values);
	report_put_json(event, FIELD_detection_events, report->events);
	report_put_technique(report->detector, event);
	report_put_place(report->place, event);
	for (size_t n = 0; latest && n < latest->count; n++)
		if (event_kind_has(event->kind, latest->values[n].field) &&
		    !event_has(event, latest->values[n].field))
			event_value(event, &latest->values[n]);
}
