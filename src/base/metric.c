/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metric.h"

void metrics_init(struct metrics *metrics, const struct metric_kind *kinds, size_t kind_count)
{
	*metrics = (struct metrics){ kinds, kind_count, NULL };
	metrics->all = calloc(kind_count, sizeof(*metrics->all));
	if (!metrics->all)
		abort();
	for (size_t n = 0; n < kind_count; n++)
		list_init(&metrics->all[n]);
}

void metrics_done(struct metrics *metrics)
{
	struct metric *metric;

	for (size_t n = 0; n < metrics->kind_count; n++)
		list_drain(&metrics->all[n], metric, node);
	free(metrics->all);
	*metrics = (struct metrics){ 0 };
}

void metric_add(struct metrics *metrics, size_t kind, struct metric *metric, const char *label)
{
	slice_copy(slice_of(label), metric->label, sizeof(metric->label));
	list_append(&metrics->all[kind], &metric->node);
}

void metric_add_read(struct metrics *metrics, size_t kind, struct metric *metric, const char *label,
		     uint64_t (*read)(const struct metric *metric), const void *owner)
{
	*metric = (struct metric){ .read = read, .owner = owner };
	metric_add(metrics, kind, metric, label);
}

void metric_remove(struct metric *metric)
{
	list_unlink(&metric->node);
}

static uint64_t metric_value(const struct metric *metric)
{
	return metric->read ? metric->read(metric) : metric->value;
}

uint64_t metrics_total(const struct metrics *metrics, size_t kind)
{
	const struct metric *metric;
	uint64_t total = 0;

	list_each(&metrics->all[kind], metric, node)
		total += metric_value(metric);
	return total;
}

/* A label value with backslash, quote and line end escaped. */
static void metric_put_label(struct text *out, const char *label)
{
	for (; *label; label++) {
		if (*label == '\\' || *label == '"')
			text_putc(out, '\\');
		if (*label == '\n')
			text_put(out, SLICE("\\n"));
		else
			text_putc(out, *label);
	}
}

static void metric_print(const struct metric_kind *kind, const struct metric *metric,
			 struct text *out)
{
	text_put(out, slice_of(kind->name));
	if (kind->label) {
		text_printf(out, "{%s=\"", kind->label);
		metric_put_label(out, metric->label);
		text_put(out, SLICE("\"}"));
	}
	text_printf(out, " %llu\n", (unsigned long long)metric_value(metric));
}

void metrics_print(const struct metrics *metrics, struct text *out)
{
	for (size_t n = 0; n < metrics->kind_count; n++) {
		const struct metric_kind *kind = &metrics->kinds[n];
		const struct metric *metric;

		if (list_is_empty(&metrics->all[n]))
			continue;
		text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", kind->name, kind->help, kind->name,
			    kind->gauge ? "gauge" : "counter");
		list_each(&metrics->all[n], metric, node)
			metric_print(kind, metric, out);
	}
}
