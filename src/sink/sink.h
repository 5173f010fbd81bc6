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
	/* What a sink opened here is called, for people and on disk; NULL: as its kind. For those
	 * who open several of a kind. */
	const char *name;
};

struct sink;

struct sink_kind {
	const char *name, *help;
	const char *suffix; /* behind env->name, where two kinds stand behind one; NULL: none */
	size_t state_bytes; /* zeroed memory behind sink->state */
	/* Whether the settings ask for it. */
	bool (*wanted)(const struct sink_settings *settings);
	/* Whether its settings can work together; *ret_key: the one to change. NULL: they can. */
	int (*check)(const struct sink_settings *settings, const char **ret_key, struct error *err);
	int (*open)(struct sink *sink, struct error *err);
	/* One event; encode or copy what is kept. */
	void (*put)(struct sink *sink, const struct event *event);
	/* Sends what waits, as far as that goes now; NULL: nothing ever waits. */
	void (*flush)(struct sink *sink);
	/* Whether something is still on its way that waiting a moment may get through. NULL: no. */
	bool (*busy)(const struct sink *sink);
	/* Opens its file anew, for one that was renamed by others. NULL: it has none. */
	void (*reopen)(struct sink *sink);
	/* Undoes an open, also half of one. */
	void (*close)(struct sink *sink);
};

/* What may be wrong with a sink while it runs. */
enum sink_trouble {
	SINK_TROUBLE_delivery, /* the receiver can't be reached, or refuses */
	SINK_TROUBLE_disk,     /* the disk refuses */
	SINK_TROUBLE_full,     /* more waits than may: the oldest events are lost */
	SINK_TROUBLE_COUNT
};

/* events + what an earlier run left (METRIC_sink_recovered) = delivered + lost + skipped + what
 * waits, at any time. */
struct sink {
	const struct sink_kind *kind;
	const struct sink_env *env;
	char name[48];
	void *state;
	bool measures; /* set while it opens: it takes measurements in place of other events */
	struct metric events, delivered, lost, skipped, failures;
	struct error troubles[SINK_TROUBLE_COUNT]; /* code 0: none */
	/* Set by the owner after sink_open(), NULL: nobody wants to know. Called when a trouble
	 * begins or becomes another one (code > 0: words as for any error), and when it is over
	 * (code 0: what works again). */
	void (*report)(struct sink *sink, const struct error *news);
};

must_check int sink_open(struct sink *sink, const struct sink_kind *kind,
			 const struct sink_env *env, struct error *err);
void sink_put(struct sink *sink, const struct event *event);
/* The same for one event that stands for `weight` of them. */
void sink_put_weighed(struct sink *sink, const struct event *event, uint64_t weight);
void sink_close(struct sink *sink);

/* The kind's function of that name, where it has one. */
void sink_flush(struct sink *sink);
bool sink_busy(const struct sink *sink);
void sink_reopen(struct sink *sink);

/* For the kinds: the TLS settings as the wire wants them, their files checked. */
must_check int sink_set_tls(const struct tls_settings *settings, struct http_tls *tls,
			    struct error *err);
/* For the kinds: something is wrong; it is right (again). */
void sink_trouble(struct sink *sink, enum sink_trouble trouble, const struct error *err);
void sink_well(struct sink *sink, enum sink_trouble trouble);

/* All there are, in the order in which they are opened. */
extern const struct sink_kind *const sink_kinds[];
extern const size_t sink_kind_count;

/* The `check` of every kind that is wanted. */
must_check int sink_check(const struct sink_settings *settings, const char **ret_key,
			  struct error *err);

/* Whether the settings name any sink at all. */
bool sink_any_wanted(const struct sink_settings *settings);

extern const struct sink_kind sink_console, sink_file, sink_syslog, sink_http, sink_polycorder,
	sink_pagerduty, sink_s3, sink_statsd, sink_otlp_logs, sink_otlp_metrics, sink_nats;

#endif
