/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metric - numbers about the program itself, served in the Prometheus text format.
 *
 * What a metric is called and means is a row of `struct metric_kind` in one table (event/metrics);
 * the number lives in the object that counts, which links it into the registry and then just
 * increments `value`. Counters that share a kind differ in their label's value.
 */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/list.h"
#include "base/text.h"

struct metric_kind {
	const char *name, *help;
	const char *label; /* NULL: the metric has none */
	bool gauge;	   /* otherwise a counter */
};

struct metrics {
	const struct metric_kind *kinds;
	size_t kind_count;
	struct list *all; /* one list for each kind */
};

struct metric {
	uint64_t value;
	struct list node;
	/* When set, asked for the value at each scrape instead; `owner` and `index` are for it. */
	uint64_t (*read)(const struct metric *metric);
	const void *owner;
	size_t index;
	char label[48];
};

/* Aborts when out of memory: it runs once, at start. */
void metrics_init(struct metrics *metrics, const struct metric_kind *kinds, size_t kind_count);
void metrics_done(struct metrics *metrics);

/* Links a metric of kind `kind` (an index into the table); `label` is the value of its label, or
 * NULL. The metric must outlive the registry or be removed. */
void metric_add(struct metrics *metrics, size_t kind, struct metric *metric, const char *label);
/* The same for one that is asked for its value, of `owner`, at each scrape. */
void metric_add_read(struct metrics *metrics, size_t kind, struct metric *metric, const char *label,
		     uint64_t (*read)(const struct metric *metric), const void *owner);
void metric_remove(struct metric *metric);

/* The sum over all labels. */
uint64_t metrics_total(const struct metrics *metrics, size_t kind);

/* The Prometheus text exposition format, version 0.0.4. */
void metrics_print(const struct metrics *metrics, struct text *out);

#endif
