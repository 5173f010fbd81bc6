/* SPDX-License-Identifier: Apache-2.0 */
/*
 * otlp - events to an OpenTelemetry receiver: two sinks, one for logs and one for metrics, since
 * these are different calls. Over HTTP a call is a POST, over gRPC a POST in HTTP/2 with a frame
 * around its message and the answer in the trailer.
 */
#include "sink/courier.h"
#include "sink/otlp_message.h"
#include "sink/pack.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "sink/post.h"
#include "wire/grpc_frame.h"
#include "wire/otlp.pb-c.h"

#define OTLP_BATCH_COUNT  8192
#define OTLP_BATCH_BYTES  (2u << 20) /* gRPC's receivers take 4 MiB */
#define OTLP_ANSWER_BYTES 4096
#define OTLP_PACK_BYTES	  512

struct otlp {
	struct courier courier;
	struct http_client *client;
	struct http_request request;
	bool metrics, grpc;
	struct text payload; /* of the event being put */
	struct text body, packed, url, user_agent;
	struct text more_headers;
	const char *headers[8 + POST_MORE_HEADERS];
	int grpc_status; /* of the answer under way; -1: none */
	struct text grpc_words;
};

static bool otlp_wants_logs(const struct sink_settings *settings)
{
	return settings->otlp.endpoint && settings->otlp.signals != OTLP_metrics;
}

static bool otlp_wants_metrics(const struct sink_settings *settings)
{
	return settings->otlp.endpoint && settings->otlp.signals != OTLP_logs;
}

/* --- the answer --- */

static enum courier_verdict otlp_verdict(const struct otlp *otlp, unsigned int status)
{
	if (!otlp->grpc || status != 200)
		return post_verdict(status);
	switch (otlp->grpc_status) {
	case GRPC_ok:
		return COURIER_delivered;
	case GRPC_invalid_argument:
		return COURIER_refused;
	case GRPC_permission_denied:
	case GRPC_unauthenticated:
		return COURIER_denied;
	default:
		return COURIER_failed;
	}
}

static void otlp_on_header(struct http_request *request, struct slice name, struct slice value)
{
	struct otlp *otlp = container_of(request, struct otlp, request);
	uint64_t status;

	if (slice_is(name, "grpc-status") && slice_u64(value, &status) &&
	    status < GRPC_STATUS_COUNT)
		otlp->grpc_status = (int)status;
	else if (slice_is(name, "grpc-message"))
		grpc_decode_words(slice_first(value, 200), &otlp->grpc_words);
}

static void otlp_put_printable(struct text *out, struct slice text)
{
	for (size_t n = 0; n < text.bytes; n++)
		text_putc(out, text.at[n] >= ' ' && text.at[n] <= '~' ? text.at[n] : ' ');
}

static void otlp_explain(const struct otlp *otlp, unsigned int status, struct error *err)
{
	auto_text struct text words = { 0 };

	http_put_place(otlp->request.url, &words);
	if (otlp->grpc && status == 200 && otlp->grpc_status >= 0)
		text_printf(&words,
			    "': %s: ", grpc_status_name((enum grpc_status)otlp->grpc_status));
	else
		text_printf(&words, "': HTTP status %u: ", status);
	otlp_put_printable(&words, otlp->grpc ? slice_first(text_slice(&otlp->grpc_words), 80)
					      : slice_first(text_slice(&otlp->request.answer), 80));
	error_say(err, EPROTO, "export to '%s", text_str(&words));
}

/* A receiver may take a batch, and say that it has thrown some of it away. */
static void otlp_count_rejected(struct otlp *otlp)
{
	struct slice answer = text_slice(&otlp->request.answer);
	Otlp__ExportResponse *response;
	int64_t rejected = 0;

	if (otlp->grpc)
		answer = slice_skip(answer, GRPC_HEAD_BYTES);
	response = otlp__export_response__unpack(NULL, answer.bytes, (const uint8_t *)answer.at);
	if (response && response->partial_success)
		rejected = response->partial_success->rejected;
	if (response)
		otlp__export_response__free_unpacked(response, NULL);
	if (rejected <= 0)
		return;
	if ((uint64_t)rejected > otlp->courier.under_way)
		rejected = (int64_t)otlp->courier.under_way;
	/* They are acknowledged with the others, and counted as what became of them. */
	otlp->courier.sink->lost.value += (uint64_t)rejected;
	otlp->courier.sink->delivered.value -= (uint64_t)rejected;
}

static void otlp_on_done(struct http_request *request, unsigned int status, const struct error *err)
{
	struct otlp *otlp = container_of(request, struct otlp, request);
	enum courier_verdict verdict = status ? otlp_verdict(otlp, status) : COURIER_failed;
	struct error why = *err;

	if (status && verdict != COURIER_delivered)
		otlp_explain(otlp, status, &why);
	if (verdict == COURIER_delivered)
		otlp_count_rejected(otlp);
	courier_tell(&otlp->courier, verdict, request->retry_after_s * NS_PER_S, &why);
}

/* --- one call --- */

static void otlp_set_headers(struct otlp *otlp, bool packed)
{
	size_t count = 0;

	otlp->headers[count++] = otlp->grpc ? "Content-Type: application/grpc"
					    : "Content-Type: application/x-protobuf";
	otlp->headers[count++] = text_str(&otlp->user_agent);
	otlp->headers[count++] = "Expect:"; /* no waiting for leave to send a large body */
	if (otlp->grpc)
		otlp->headers[count++] = "TE: trailers";
	if (packed)
		otlp->headers[count++] = "Content-Encoding: gzip";
	count += post_split_headers(otlp->courier.sink->env->settings->otlp.header,
				    &otlp->more_headers, otlp->headers + count);
	otlp->headers[count] = NULL;
}

/* gRPC: not compressed, and so many bytes. */
static void otlp_put_frame(struct text *body)
{
	uint32_t bytes = (uint32_t)(body->bytes - GRPC_HEAD_BYTES);

	for (unsigned int n = 0; n < 4 && !body->failed; n++)
		body->at[1 + n] = (char)(bytes >> (24 - 8 * n));
}

static void otlp_deliver(struct courier *courier, const struct spool_item *items, size_t count)
{
	struct otlp *otlp = container_of(courier, struct otlp, courier);
	bool packed = false;
	struct error err;

	text_clear(&otlp->body);
	text_clear(&otlp->grpc_words);
	otlp->grpc_status = -1;
	for (unsigned int n = 0; otlp->grpc && n < GRPC_HEAD_BYTES; n++)
		text_putc(&otlp->body, 0);
	otlp_put_request(courier->sink->env->origin, items, count, &otlp->body);
	if (otlp->grpc)
		otlp_put_frame(&otlp->body);
	else if (otlp->body.bytes > OTLP_PACK_BYTES)
		packed = pack_gzip(text_slice(&otlp->body), &otlp->packed);
	if (otlp->body.failed) {
		error_errno(&err, ENOMEM, "export events");
		courier_tell(courier, COURIER_failed, 0, &err);
		return;
	}
	otlp->request.body = text_slice(packed ? &otlp->packed : &otlp->body);
	otlp_set_headers(otlp, packed);
	if (http_start(otlp->client, &otlp->request, &err) < 0)
		courier_tell(courier, COURIER_failed, 0, &err);
}

/* --- the sinks --- */

static int otlp_set_url(struct otlp *otlp, const char *endpoint, struct error *err)
{
	/* [grpc][metrics] */
	static const char *const paths[2][2] = {
		{ "/v1/logs", "/v1/metrics" },
		{ "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
		  "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" },
	};
	struct slice base = slice_of(endpoint);

	if (!slice_starts(base, SLICE("http://")) && !slice_starts(base, SLICE("https://")))
		return error_say(err, EINVAL,
				 "'otlp.endpoint' is '%s', has to begin with http:// or https://",
				 endpoint);
	while (slice_ends(base, SLICE("/")))
		base.bytes--;
	text_put(&otlp->url, base);
	text_put(&otlp->url, slice_of(paths[otlp->grpc][otlp->metrics]));
	return 0;
}

static void otlp_prepare(struct otlp *otlp, const struct sink *sink)
{
	const struct sink_settings *settings = sink->env->settings;

	text_printf(&otlp->user_agent, "User-Agent: %s/%s", sink->env->origin->program,
		    sink->env->origin->version);
	otlp->request.method = "POST";
	otlp->request.url = text_str(&otlp->url);
	otlp->request.headers = otlp->headers;
	otlp->request.http2 = otlp->grpc;
	otlp->request.header = otlp_on_header;
	otlp->request.limit_bytes = OTLP_ANSWER_BYTES;
	otlp->request.cut_answer = true;
	otlp->request.done = otlp_on_done;
	otlp->courier.flush_count = settings->otlp.flush_count;
	otlp->courier.flush_ns = settings->otlp.flush_ns;
	otlp->courier.batch_count = OTLP_BATCH_COUNT;
	otlp->courier.batch_bytes = OTLP_BATCH_BYTES;
	otlp->courier.deliver = otlp_deliver;
}

static int otlp_open(struct sink *sink, bool metrics, struct error *err)
{
	const struct sink_settings *settings = sink->env->settings;
	struct otlp *otlp = sink->state;
	int r;

	otlp->metrics = metrics;
	otlp->grpc = settings->otlp.protocol == OTLP_grpc;
	r = otlp_set_url(otlp, settings->otlp.endpoint, err);
	if (r == 0)
		r = sink_set_tls(&settings->otlp.tls, &otlp->request.tls, err);
	if (r < 0)
		return r;
	otlp->client = sink->env->http(sink->env->owner, err);
	if (!otlp->client)
		return -EIO;
	sink->measures = settings->otlp.signals == OTLP_metrics;
	otlp_prepare(otlp, sink);
	return courier_open(&otlp->courier, sink, err);
}

static int otlp_open_logs(struct sink *sink, struct error *err)
{
	return otlp_open(sink, false, err);
}

static int otlp_open_metrics(struct sink *sink, struct error *err)
{
	return otlp_open(sink, true, err);
}

/* Each takes its own; what only one of them is there for, that one takes all of. */
static void otlp_put(struct sink *sink, const struct event *event)
{
	bool measurement = event->kind == EVENT_measurement;
	struct otlp *otlp = sink->state;

	if (sink->env->settings->otlp.signals == OTLP_both && measurement != otlp->metrics) {
		sink->skipped.value++;
		return;
	}
	text_clear(&otlp->payload);
	if (otlp->metrics)
		otlp_put_metric(event, &otlp->payload);
	else
		otlp_put_log(event, sink->env->origin, &otlp->payload);
	if (otlp->payload.failed)
		sink->lost.value++;
	else
		courier_put(&otlp->courier, text_slice(&otlp->payload));
}

static void otlp_flush(struct sink *sink)
{
	courier_flush(&((struct otlp *)sink->state)->courier);
}

static bool otlp_busy(const struct sink *sink)
{
	return courier_busy(&((const struct otlp *)sink->state)->courier);
}

static void otlp_close(struct sink *sink)
{
	struct otlp *otlp = sink->state;

	courier_close(&otlp->courier);
	http_request_done(&otlp->request);
	text_done(&otlp->payload);
	text_done(&otlp->body);
	text_done(&otlp->packed);
	text_done(&otlp->url);
	text_done(&otlp->user_agent);
	text_done(&otlp->grpc_words);
	text_done(&otlp->more_headers);
}

const struct sink_kind sink_otlp_logs = {
	.name = "otlp-logs",
	.help = "events as logs to an OpenTelemetry receiver",
	.state_bytes = sizeof(struct otlp),
	.wanted = otlp_wants_logs,
	.open = otlp_open_logs,
	.put = otlp_put,
	.flush = otlp_flush,
	.busy = otlp_busy,
	.close = otlp_close,
};

const struct sink_kind sink_otlp_metrics = {
	.name = "otlp-metrics",
	.help = "measurements as metrics to an OpenTelemetry receiver",
	.suffix = "-metrics",
	.state_bytes = sizeof(struct otlp),
	.wanted = otlp_wants_metrics,
	.open = otlp_open_metrics,
	.put = otlp_put,
	.flush = otlp_flush,
	.busy = otlp_busy,
	.close = otlp_close,
};
