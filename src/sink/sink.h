/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink - a place where events go.
 *
 * Writing to a sink never blocks and never fails for the one who writes: what can't be delivered
 * now waits (on disk, for those behind a network) or is counted as lost.
 */
#ifndef SINK_SINK_H
#define SINK_SINK_H

#include "base/loop.h"
#include "base/metric.h"
#include "event/encode.h"
#include "event/metrics.h"
#include "sink/settings.h"
#include "wire/http.h"

struct sink_env {
	struct loop *loop;
	struct metrics *metrics;
	const struct event_origin *origin;
	const struct sink_settings *settings;
	/* Makes the client when the first sink needs one; NULL: it could not be made. */
	struct http_client *(*http)(void *owner, struct error *err);
	void *owner;
};

struct sink;

struct sink_kind {
	const char *name, *help;
	size_t state_bytes; /* zeroed memory behind sink->state */
	/* Whether the settings ask for it. */
	bool (*wanted)(const struct sink_settings *settings);
	int (*open)(struct sink *sink, struct error *err);
	/* One event; encode or copy what is kept. */
	void (*put)(struct sink *sink, const struct event *event);
	/* Sends what waits, as far as that goes now; NULL: nothing ever waits. */
	void (*flush)(struct sink *sink);
	/* Whether something is still on its way that waiting a moment may get through. NULL: no. */
	bool (*busy)(const struct sink *sink);
	/* Undoes an open, also half of one. */
	void (*close)(struct sink *sink);
};

struct sink {
	const struct sink_kind *kind;
	const struct sink_env *env;
	void *state;
	bool detections_only; /* takes no raw events */
	struct metric events, delivered, lost, skipped, failures;
};

must_check int sink_open(struct sink *sink, const struct sink_kind *kind,
			 const struct sink_env *env, struct error *err);
void sink_put(struct sink *sink, const struct event *event);
void sink_close(struct sink *sink);

/* All there are, in the order in which they are opened. */
extern const struct sink_kind *const sink_kinds[];
extern const size_t sink_kind_count;

/* Whether the settings name any sink at all. */
bool sink_any_wanted(const struct sink_settings *settings);

extern const struct sink_kind sink_console;

#endif
