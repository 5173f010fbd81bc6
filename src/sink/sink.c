/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/sink.h"

#include <errno.h>

const struct sink_kind *const sink_kinds[] = {
	&sink_console,
};
const size_t sink_kind_count = array_count(sink_kinds);

bool sink_any_wanted(const struct sink_settings *settings)
{
	for (size_t n = 0; n < sink_kind_count; n++)
		if (sink_kinds[n]->wanted(settings))
			return true;
	return false;
}

static void sink_add_metrics(struct sink *sink)
{
	struct metrics *metrics = sink->env->metrics;
	const char *name = sink->kind->name;

	metric_add(metrics, METRIC_sink_events, &sink->events, name);
	metric_add(metrics, METRIC_sink_delivered, &sink->delivered, name);
	metric_add(metrics, METRIC_sink_lost, &sink->lost, name);
	metric_add(metrics, METRIC_sink_skipped, &sink->skipped, name);
	metric_add(metrics, METRIC_sink_failures, &sink->failures, name);
}

int sink_open(struct sink *sink, const struct sink_kind *kind, const struct sink_env *env,
	      struct error *err)
{
	int r;

	*sink = (struct sink){ .kind = kind, .env = env };
	sink->state = calloc(1, kind->state_bytes);
	if (!sink->state)
		return error_errno(err, ENOMEM, "open sink '%s'", kind->name);
	sink_add_metrics(sink);
	r = kind->open(sink, err);
	if (r < 0) {
		sink_close(sink);
		return error_wrap(err, r, "open sink '%s'", kind->name);
	}
	return 0;
}

void sink_put(struct sink *sink, const struct event *event)
{
	sink->events.value++;
	sink->kind->put(sink, event);
}

void sink_close(struct sink *sink)
{
	if (!sink->state)
		return;
	sink->kind->close(sink);
	metric_remove(&sink->events);
	metric_remove(&sink->delivered);
	metric_remove(&sink->lost);
	metric_remove(&sink->skipped);
	metric_remove(&sink->failures);
	free(sink->state);
	sink->state = NULL;
}
