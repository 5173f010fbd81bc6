/* SPDX-License-Identifier: Apache-2.0 */
#include "sink/sink.h"

#include <errno.h>
#include <stdio.h>

#include "event/measure.h"

const struct sink_kind *const sink_kinds[] = {
	&sink_console,	  &sink_file,	      &sink_syslog, &sink_http,
	&sink_polycorder, &sink_pagerduty,    &sink_s3,	    &sink_statsd,
	&sink_otlp_logs,  &sink_otlp_metrics, &sink_nats,
};
const size_t sink_kind_count = array_count(sink_kinds);

bool sink_any_wanted(const struct sink_settings *settings)
{
	for (size_t n = 0; n < sink_kind_count; n++)
		if (sink_kinds[n]->wanted(settings))
			return true;
	return false;
}

static int sink_check_kind(const struct sink_kind *kind, const struct sink_settings *settings,
			   const char **ret_key, struct error *err)
{
	return kind->check ? kind->check(settings, ret_key, err) : 0;
}

int sink_check(const struct sink_settings *settings, const char **ret_key, struct error *err)
{
	for (size_t n = 0; n < sink_kind_count; n++) {
		int r = 0;

		if (sink_kinds[n]->wanted(settings))
			r = sink_check_kind(sink_kinds[n], settings, ret_key, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static void sink_add_metrics(struct sink *sink)
{
	struct metrics *metrics = sink->env->metrics;
	const char *name = sink->name;

	metric_add(metrics, METRIC_sink_events, &sink->events, name);
	metric_add(metrics, METRIC_sink_delivered, &sink->delivered, name);
	metric_add(metrics, METRIC_sink_lost, &sink->lost, name);
	metric_add(metrics, METRIC_sink_skipped, &sink->skipped, name);
	metric_add(metrics, METRIC_sink_failures, &sink->failures, name);
}

int sink_open(struct sink *sink, const struct sink_kind *kind, const struct sink_env *env,
	      struct error *err)
{
	const char *key;
	int r;

	*sink = (struct sink){ .kind = kind, .env = env };
	snprintf(sink->name, sizeof(sink->name), "%s%s", env->name ? env->name : kind->name,
		 env->name && kind->suffix ? kind->suffix : "");
	sink->state = calloc(1, kind->state_bytes);
	if (!sink->state)
		return error_errno(err, ENOMEM, "open sink '%s'", sink->name);
	sink_add_metrics(sink);
	r = sink_check_kind(kind, env->settings, &key, err);
	if (r == 0)
		r = kind->open(sink, err);
	if (r < 0) {
		sink_close(sink);
		return error_wrap(err, r, "open sink '%s'", sink->name);
	}
	return 0;
}

struct sink_measures {
	struct measure_port port;
	struct sink *sink;
};

static void sink_take_measurement(struct measure_port *port, struct event *measurement)
{
	struct sink *sink = container_of(port, struct sink_measures, port)->sink;

	sink->events.value++;
	sink->kind->put(sink, measurement);
}

void sink_put_weighed(struct sink *sink, const struct event *event, uint64_t weight)
{
	struct sink_measures measures = { { sink_take_measurement }, sink };

	if (sink->measures && event->kind != EVENT_measurement) {
		measure_event(event, weight, &measures.port);
		return;
	}
	sink->events.value++;
	sink->kind->put(sink, event);
}

void sink_put(struct sink *sink, const struct event *event)
{
	sink_put_weighed(sink, event, 1);
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

void sink_flush(struct sink *sink)
{
	if (sink->kind->flush)
		sink->kind->flush(sink);
}

bool sink_busy(const struct sink *sink)
{
	return sink->kind->busy && sink->kind->busy(sink);
}

void sink_reopen(struct sink *sink)
{
	if (sink->kind->reopen)
		sink->kind->reopen(sink);
}

int sink_set_tls(const struct tls_settings *settings, struct http_tls *tls, struct error *err)
{
	const char *const files[] = { settings->ca_file, settings->cert_file, settings->key_file };

	for (size_t n = 0; n < array_count(files); n++)
		if (files[n] && access(files[n], R_OK) < 0)
			return error_errno(err, errno, "read '%s'", files[n]);
	*tls = (struct http_tls){ .ca_file = settings->ca_file,
				  .cert_file = settings->cert_file,
				  .key_file = settings->key_file };
	return 0;
}

void sink_trouble(struct sink *sink, enum sink_trouble trouble, const struct error *err)
{
	struct error *known = &sink->troubles[trouble];

	if (known->code == err->code && strcmp(known->text, err->text) == 0)
		return;
	*known = *err;
	error_wrap(known, 0, "sink '%s'", sink->name);
	if (sink->report)
		sink->report(sink, known);
	*known = *err;
}

void sink_well(struct sink *sink, enum sink_trouble trouble)
{
	static const char *const words[SINK_TROUBLE_COUNT] = {
		[SINK_TROUBLE_delivery] = "events are delivered again",
		[SINK_TROUBLE_disk] = "events can be written to disk again",
		[SINK_TROUBLE_full] = "no more events have to be dropped",
	};
	struct error news;

	if (sink->troubles[trouble].code == 0)
		return;
	sink->troubles[trouble] = (struct error){ 0 };
	error_say(&news, 0, "sink '%s': %s", sink->name, words[trouble]);
	if (sink->report)
		sink->report(sink, &news);
}
