/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode - events as text, JSON, CEF and syslog structured data.
 *
 * Every encoder is a loop over the event's values and the table; none adds a line end. A text that
 * could not be written for lack of memory is left failed (see base/text).
 */
#ifndef EVENT_ENCODE_H
#define EVENT_ENCODE_H

#include "event/event.h"

enum event_format { FORMAT_text, FORMAT_json, FORMAT_json_v1, FORMAT_cef, FORMAT_measurement };
extern const char *const event_format_names[]; /* NULL-terminated: "text", "json", ... */

typedef void event_encoder(const struct event *event, const struct event_origin *origin,
			   struct text *out);

event_encoder *event_encoder_of(enum event_format format);

/* One object on one line: time, event.name, severity, event.id, host.name, then the values. */
void event_put_json(const struct event *event, const struct event_origin *origin, struct text *out);
/* The schema of polytect's last generation ("version":"V1"), for consumers that know it. Kinds that
 * it doesn't have are written as Bulwark's JSON. */
void event_put_json_v1(const struct event *event, const struct event_origin *origin,
		       struct text *out);
bool event_has_json_v1(enum event_kind kind);
/* ingraind's measurement: {"timestamp":ns,"kind":bits,"name":"x_count","measurement":n,"tags":{}}.
 * What is no measurement is written as Bulwark's JSON. */
void event_put_json_measurement(const struct event *event, const struct event_origin *origin,
				struct text *out);
/* A line for people: time, severity, what happened, whose it was. Control bytes become \xHH. */
void event_put_text(const struct event *event, const struct event_origin *origin, struct text *out);
/* The same with the severity coloured for a terminal. */
void event_put_text_coloured(const struct event *event, const struct event_origin *origin,
			     struct text *out);
/* ArcSight Common Event Format 0.1 (version field 0). */
void event_put_cef(const struct event *event, const struct event_origin *origin, struct text *out);
/* One RFC 5424 structured data element: [bulwark@32473 name="value" ...]. */
void event_put_structured_data(const struct event *event, const struct event_origin *origin,
			       struct text *out);

/* What happened, in a sentence, without time and place: the kind's readable line. */
void event_put_message(const struct event *event, struct text *out);

/* "<run id>-<serial>", unique among all agents' events. */
void event_put_id(const struct event *event, const struct event_origin *origin, struct text *out);

/* One value, unescaped, as text and CEF show it. */
void event_put_value(const struct event_value *value, struct text *out);

#endif
