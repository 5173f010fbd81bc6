/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp_message - events in OpenTelemetry's protocol (OTLP 1.0), as protocol buffers; pure.
 *
 * An event is a LogRecord, a measurement is a Metric with one data point. Counters are sums since
 * the last one (delta).
 */
#ifndef SINK_OTLP_MESSAGE_H
#define SINK_OTLP_MESSAGE_H

#include "event/event.h"
#include "sink/spool.h"

/* A LogRecord; a Metric. */
void otlp_put_log(const struct event *event, const struct event_origin *origin, struct text *out);
void otlp_put_metric(const struct event *measurement, struct text *out);

/* The request around records or metrics. (Logs and metrics have the same numbers of fields.) */
void otlp_put_request(const struct event_origin *origin, const struct spool_item *items,
		      size_t count, struct text *out);

#endif
